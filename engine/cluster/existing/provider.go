package existing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Name of the provider of contexts.
const Name = "existing"

const (
	// answerTimeout bounds each request of Look and Ensure.
	answerTimeout = 20 * time.Second
	// glanceTimeout bounds each request with which Find sees which cluster answers.
	glanceTimeout = 2 * time.Second
	// requestTimeout bounds every other request: an API server itself gives up after that time (kube-apiserver
	// --request-timeout).
	requestTimeout = time.Minute
)

// Provider plays labs on clusters that somebody else made.
type Provider struct {
	name string
	// dir holds one folder for each lab that is played.
	dir    string
	source Source
}

var (
	_ cluster.Guest  = (*Provider)(nil)
	_ cluster.Lister = (*Provider)(nil)
)

// New returns the provider of contexts, whose choices are kept below dir.
func New(dir string) *Provider { return NewFrom(Name, dir, kubeconfigs{}) }

// NewFrom returns a provider of that name, whose clusters come from the source.
func NewFrom(name, dir string, source Source) *Provider {
	return &Provider{name: name, dir: dir, source: source}
}

// Name implements cluster.Provider.
func (p *Provider) Name() string { return p.name }

// Available implements cluster.Provider. It returns nil: the needs of a cluster depend on its place, and Look says
// them.
func (p *Provider) Available(context.Context, cluster.Spec) error { return nil }

func (p *Provider) folder(name string) folder { return folder(filepath.Join(p.dir, name)) }

// List implements cluster.Lister.
func (p *Provider) List(context.Context) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(p.dir, "*", "choice.json"))
	var names []string
	for _, file := range found {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	return names, err
}

// Ensure implements cluster.Provider. It makes no cluster: it checks that the cluster that was settled on answers and
// is still the same one, and gives the session the present credentials.
func (p *Provider) Ensure(ctx context.Context, spec cluster.Spec, progress cluster.Progress) (*cluster.Cluster, error) {
	f := p.folder(spec.Name)
	c, err := f.read()
	if errors.Is(err, cluster.ErrNotFound) {
		return nil, notSettled(spec.Name, p.name)
	}
	if err != nil {
		return nil, err
	}
	version := ""
	err = progress.Run("credentials", func() (string, error) {
		cfg, err := p.load(ctx, spec.Name, c)
		if err != nil {
			return "", err
		}
		if version, err = p.same(ctx, spec.Name, c, cfg); err != nil {
			return "", err
		}
		if err := f.writeKubeconfig(f.access(), cfg); err != nil {
			return "", err
		}
		return c.Context, f.writeKubeconfig(f.learner(), cfg)
	})
	if err != nil {
		return nil, err
	}
	found := p.describe(spec.Name, c)
	found.State, found.Version = cluster.Running, version
	return found, nil
}

// load returns the credentials for the choice, and refuses credentials for another server.
func (p *Provider) load(ctx context.Context, name string, c *choice) (*clientcmdapi.Config, error) {
	cfg, err := p.source.Load(ctx, c.Place)
	if err != nil {
		return nil, err
	}
	if now := serverOf(cfg); now != c.Server {
		return nil, problem.New(problem.Cluster,
			text.New("%s now leads to %s; this lab is being played on %s, and k8slab does not follow. Point the context back, or start again from scratch", "%s の接続先が %s に変わっています。このラボで使っているのは %s で、k8slab が勝手に切り替えることはありません。コンテキストを元に戻すか、はじめからやり直してください", c.Context, now, c.Server),
			forget(name))
	}
	return cfg, nil
}

// same returns the version of the cluster, and refuses a cluster other than the one that was settled on.
func (p *Provider) same(ctx context.Context, name string, c *choice, cfg *clientcmdapi.Config) (version string, err error) {
	client, _, err := connect(cfg, p.source.Kubectl(c.Place))
	if err != nil {
		return "", err
	}
	version, id, err := identify(ctx, client)
	if err != nil {
		return "", noAnswer(err, c.Context, c.Server, p.source.Kubectl(c.Place))
	}
	if id != c.ID {
		return "", problem.New(problem.Cluster,
			text.New("at %s there is another cluster now, not the one on which this lab was begun; nothing of your session is in it", "%s にあるのは、このラボを始めたときとは別のクラスターです。このセッションのオブジェクトはそこにはありません", c.Server),
			forget(name))
	}
	return version, nil
}

// forget is the action of giving up a cluster that is out of reach.
func forget(name string) action.Action { return action.Do(action.Delete).On(name).With("forget", "") }

func notSettled(lab, kind string) error {
	return problem.New(problem.Usage,
		text.New("the lab %s has no cluster of the kind %s yet: say which one is meant", "ラボ %s で使う %s クラスターがまだ決まっていません。どれを使うか指定してください", lab, kind), action.HelpOn(action.Start))
}

func serverOf(cfg *clientcmdapi.Config) string {
	if c := cfg.Contexts[cfg.CurrentContext]; c != nil && cfg.Clusters[c.Cluster] != nil {
		return cfg.Clusters[c.Cluster].Server
	}
	return ""
}

// connect returns a client that speaks with the credentials.
func connect(cfg *clientcmdapi.Config, kubectl string) (kubernetes.Interface, *rest.Config, error) {
	if err := plugin(cfg, kubectl); err != nil {
		return nil, nil, err
	}
	rc, err := restConfig(cfg)
	if err != nil {
		return nil, nil, err
	}
	quick := rest.CopyConfig(rc)
	quick.Timeout = answerTimeout
	quick.QPS = -1
	quick.WarningHandler = rest.NoWarnings{}
	client, err := kubernetes.NewForConfig(quick)
	return client, rc, err
}

func restConfig(cfg *clientcmdapi.Config) (*rest.Config, error) {
	rc, err := clientcmd.NewDefaultClientConfig(*cfg, nil).ClientConfig()
	if err != nil {
		return nil, problem.New(problem.Usage,
			text.New("the context %s cannot be used: %v", "コンテキスト %s を使えません: %v", cfg.CurrentContext, err), action.InTerminal("kubectl config view")).From(err)
	}
	rc.Timeout = requestTimeout
	return rc, nil
}

// Find implements cluster.Provider. A cluster is degraded if it does not answer or another one answers in its place;
// Ensure says why.
func (p *Provider) Find(ctx context.Context, name string) (*cluster.Cluster, error) {
	c, err := p.folder(name).read()
	if err != nil {
		return nil, err
	}
	found := p.describe(name, c)
	cfg, err := p.Config(ctx, name, cluster.Grader)
	if err != nil {
		return found, nil
	}
	cfg.Timeout = glanceTimeout
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return found, nil
	}
	answered := make(chan string, 1)
	go func() {
		version, id, err := identify(ctx, client)
		if err != nil || id != c.ID {
			version = ""
		}
		answered <- version
	}()
	select {
	case version := <-answered:
		if version != "" {
			found.State, found.Version = cluster.Running, version
		}
	case <-time.After(2 * glanceTimeout): // a credential plugin takes no deadline (client-go, plugin/pkg/client/auth/exec)
	case <-ctx.Done():
	}
	return found, nil
}

func (p *Provider) describe(name string, c *choice) *cluster.Cluster {
	return &cluster.Cluster{
		Name: name, Provider: p.name, Server: c.Server, Kubeconfig: p.folder(name).learner(), State: cluster.Degraded, NodeNames: c.NodeNames,
	}
}

// Config implements cluster.Provider. Every identity speaks as the person whose credentials they are.
func (p *Provider) Config(ctx context.Context, name string, _ cluster.Identity) (*rest.Config, error) {
	f := p.folder(name)
	c, err := f.read()
	if err != nil {
		return nil, err
	}
	var cfg *clientcmdapi.Config
	if p.source.Local() {
		cfg, err = p.load(ctx, name, c)
	} else if cfg, err = clientcmd.LoadFromFile(f.access()); err != nil {
		err = cannotKeep(err)
	}
	if err != nil {
		return nil, err
	}
	if err := plugin(cfg, p.source.Kubectl(c.Place)); err != nil {
		return nil, err
	}
	return restConfig(cfg)
}

// Delete implements cluster.Provider: it removes the objects that carry the label of name, and never the cluster.
func (p *Provider) Delete(ctx context.Context, name string) error {
	_, err := p.Leave(ctx, name)
	if errors.Is(err, cluster.ErrNotFound) {
		return nil
	}
	return err
}

// Forget implements cluster.Guest.
func (p *Provider) Forget(_ context.Context, name string) error {
	f := p.folder(name)
	if _, err := os.Stat(f.choiceFile()); err != nil {
		return cluster.ErrNotFound
	}
	return cannotKeep(os.RemoveAll(string(f)))
}

// Settle implements cluster.Guest.
func (p *Provider) Settle(_ context.Context, name string, host *cluster.Host) error {
	c := choice{
		Place: host.Place, Context: host.Context, Server: host.Server, ID: host.ID, NodesAllowed: host.NodesAllowed, NodeNames: host.NodeNames,
		Open: []string{},
	}
	if before, err := p.folder(name).read(); err == nil && before.ID == c.ID {
		c.Open = before.Open // a node that the learner has cordoned since was open when the lab began
	} else {
		for _, n := range host.Nodes {
			if !n.Cordoned {
				c.Open = append(c.Open, n.Name)
			}
		}
	}
	return p.folder(name).write(c)
}

// words joins names for a sentence in both languages, and counts those beyond the first ones.
func words(names []string, most int) text.Text {
	more := len(names) - most
	if more <= 0 {
		return text.Text{EN: join(names, ", "), JA: join(names, "、")}
	}
	return text.Text{
		EN: fmt.Sprintf("%s and %d more", join(names[:most], ", "), more),
		JA: fmt.Sprintf("%s ほか %d 件", join(names[:most], "、"), more),
	}
}
