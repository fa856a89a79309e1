package existing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Source finds the credentials for a cluster.
type Source interface {
	// Resolve completes a place with everything that must not change afterwards, such as the values that variables of
	// the shell have now. It refuses a place of another kind with a usage problem.
	Resolve(ctx context.Context, place cluster.Place) (cluster.Place, error)
	// Load returns a kubeconfig with one context, the current one. It names no other file by a relative path.
	Load(ctx context.Context, place cluster.Place) (*clientcmdapi.Config, error)
	// Local reports whether Load only reads this machine, so that it can be called before every use.
	Local() bool
	// Kubectl returns the beginning of a command with which a person asks the cluster. Arguments follow after a space.
	Kubectl(place cluster.Place) string
}

// kubeconfigs is the source of contexts in the person's own files.
type kubeconfigs struct{}

// Local implements Source.
func (kubeconfigs) Local() bool { return true }

// Kubectl implements Source.
func (kubeconfigs) Kubectl(place cluster.Place) string {
	return kubectlReading(place) + " --context " + place.Context
}

// kubectlReading returns the beginning of a kubectl command that reads the place's files.
func kubectlReading(place cluster.Place) string {
	switch {
	case len(filepath.SplitList(place.Kubeconfig)) > 1:
		return "KUBECONFIG=" + place.Kubeconfig + " kubectl"
	case place.Kubeconfig != "":
		return "kubectl --kubeconfig " + place.Kubeconfig
	}
	return "kubectl"
}

// Resolve implements Source: it keeps the names of the files that kubectl would read now, whatever KUBECONFIG says in
// another shell.
func (kubeconfigs) Resolve(_ context.Context, place cluster.Place) (cluster.Place, error) {
	if place.ResourceGroup != "" || place.Name != "" || place.Subscription != "" || place.Admin {
		return place, problem.New(problem.Usage,
			text.New("--resource-group, --name, --subscription and --admin are for --cluster aks; an existing cluster is named by --context", "--resource-group、--name、--subscription、--admin は --cluster aks で使います。既存のクラスターは --context で指定してください"), action.HelpOn(action.Start))
	}
	files := filepath.SplitList(place.Kubeconfig)
	if len(files) == 0 {
		files = clientcmd.NewDefaultClientConfigLoadingRules().Precedence
	}
	for i, file := range files {
		absolute, err := filepath.Abs(file)
		if err != nil {
			return place, err
		}
		files[i] = absolute
	}
	place.Kubeconfig = strings.Join(files, string(filepath.ListSeparator))
	return place, nil
}

// Load implements Source.
func (kubeconfigs) Load(_ context.Context, place cluster.Place) (*clientcmdapi.Config, error) {
	// Several files are merged as kubectl does, and one of them may be missing. A single file has to be there.
	rules := &clientcmd.ClientConfigLoadingRules{}
	if files := filepath.SplitList(place.Kubeconfig); len(files) > 1 {
		rules.Precedence = files
	} else {
		rules.ExplicitPath = place.Kubeconfig
	}
	all, err := rules.Load()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.New(problem.Usage,
			text.New("there is no kubeconfig %s", "kubeconfig %s がありません", place.Kubeconfig), action.HelpOn(action.Start)).From(err)
	}
	if err != nil {
		return nil, problem.New(problem.Usage,
			text.New("the kubeconfig cannot be read: %v", "kubeconfig を読めません: %v", err), action.InTerminal(kubectlReading(place)+" config view")).From(err)
	}
	names := contexts(all)
	if place.Context == "" {
		return nil, noContext(names)
	}
	if _, ok := all.Contexts[place.Context]; !ok {
		return nil, unknownContext(place, names)
	}
	return Only(all, place.Context, action.InTerminal(kubectlReading(place)+" config view"))
}

// Only returns a copy of the kubeconfig with the context, its cluster and its user alone, and with the contents of the
// certificate files that they name. If the context is not complete, the error is a problem with the step next.
func Only(all *clientcmdapi.Config, context string, next action.Action) (*clientcmdapi.Config, error) {
	one := all.DeepCopy()
	one.CurrentContext = context
	broken := func(err error) error {
		return problem.New(problem.Usage,
			text.New("the context %s is not complete: %v", "コンテキスト %s に不備があります: %v", context, err),
			next).From(err)
	}
	if err := clientcmdapi.MinifyConfig(one); err != nil {
		return nil, broken(err)
	}
	if err := clientcmdapi.FlattenConfig(one); err != nil {
		return nil, broken(err)
	}
	if err := clientcmd.ConfirmUsable(*one, context); err != nil {
		return nil, broken(err)
	}
	for _, user := range one.AuthInfos {
		if user.TokenFile != "" && !filepath.IsAbs(user.TokenFile) {
			user.TokenFile, _ = filepath.Abs(filepath.Join(filepath.Dir(user.LocationOfOrigin), user.TokenFile))
		}
	}
	return one, nil
}

func contexts(all *clientcmdapi.Config) []string {
	var names []string
	for name := range all.Contexts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func noContext(names []string) error {
	if len(names) == 0 {
		return problem.New(problem.Usage, text.New("there is no kubeconfig with a context; say which file with --kubeconfig", "コンテキストのある kubeconfig が見つかりません。--kubeconfig でファイルを指定してください"), action.HelpOn(action.Start))
	}
	return problem.New(problem.Usage,
		text.New("say which cluster is meant, with --context: there is %s. The current context is never chosen for you", "どのクラスターを使うかを --context で指定してください。あるのは %s です。現在のコンテキストが自動的に使われることはありません", text.List(names)),
		action.HelpOn(action.Start))
}

func unknownContext(place cluster.Place, names []string) error {
	name := place.Context
	en, ja := fmt.Sprintf("there is no context %q", name), fmt.Sprintf("コンテキスト %q はありません", name)
	switch near, ok := text.Nearest(name, names); {
	case ok:
		en, ja = en+fmt.Sprintf("; did you mean %s?", near), ja+fmt.Sprintf("。%s のことですか？", near)
	case len(names) > 0:
		en, ja = en+"; there is "+strings.Join(names, ", "), ja+"。あるのは "+strings.Join(names, "、")+" です"
	}
	return problem.New(problem.Usage, text.Text{EN: en, JA: ja}, action.InTerminal(kubectlReading(place)+" config get-contexts"))
}

// plugin refuses credentials that come from a program that is not installed.
func plugin(cfg *clientcmdapi.Config, kubectl string) error {
	for _, user := range cfg.AuthInfos {
		if user.Exec == nil {
			continue
		}
		name := user.Exec.Command
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		next := action.InTerminal(kubectl + " get nodes")
		if filepath.Base(name) == "kubelogin" {
			next = action.InTerminal("az aks install-cli")
		}
		return problem.New(problem.Cluster,
			text.New("the credentials for %s come from the program %s, which is not installed or not on PATH", "%s の認証情報はプログラム %s から得ますが、インストールされていないか PATH にありません", cfg.CurrentContext, name), next)
	}
	return nil
}
