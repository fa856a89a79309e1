package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/cluster/existing"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/testcluster"
	"github.com/k8slab/k8slab/text"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// maintenance is the lab 11-maintenance as it is.
func maintenance(t *testing.T) *content.Lab {
	t.Helper()
	lab, err := content.Load(os.DirFS("../labs"), "11-maintenance")
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// theirs is a cluster of somebody else's, with other people's workloads in it.
type theirs struct {
	*cluster.Cluster
	provider *embedded.Provider
	config   *rest.Config
	client   kubernetes.Interface
}

func someoneElses(t *testing.T, nodes []cluster.Node) theirs {
	t.Helper()
	p, err := embedded.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Delete(context.Background(), "theirs"); err != nil {
			t.Error(err)
		}
	})
	return made(t, p, nodes, 0)
}

func made(t *testing.T, p *embedded.Provider, nodes []cluster.Node, port int) theirs {
	t.Helper()
	c, err := p.Ensure(t.Context(), cluster.Spec{Name: "theirs", Release: "1.37", Nodes: nodes, APIPort: port}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS, cfg.WarningHandler = -1, rest.NoWarnings{}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return theirs{c, p, cfg, client}
}

// readers returns a kubeconfig whose context "reader" may read everything.
func (c theirs) readers(t *testing.T) string {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: role.ObjectMeta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "reader"}},
	}
	if _, err := c.client.RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	cfg, err := clientcmd.LoadFromFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Contexts["reader"] = cfg.Contexts["k8slab-theirs"]
	for _, user := range cfg.AuthInfos {
		user.Impersonate = "reader"
	}
	file := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*cfg, file); err != nil {
		t.Fatal(err)
	}
	return file
}

func nodes(names ...string) []cluster.Node {
	var all []cluster.Node
	for i, name := range names {
		all = append(all, cluster.Node{Name: name, Zone: fmt.Sprintf("westeurope-%d", i%3+1), Pool: "apps"})
	}
	return all
}

func (c theirs) place() cluster.Place {
	return cluster.Place{Kubeconfig: c.Kubeconfig, Context: "k8slab-theirs"}
}

func (c theirs) makeNamespace(t *testing.T, name string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := c.client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (c theirs) deploy(t *testing.T, namespace, name string) {
	t.Helper()
	one := int32(1)
	labels := map[string]string{"app": name}
	_, err := c.client.AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{Replicas: &one, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: name, Image: "registry.example/" + name}}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, func() error {
		d, err := c.client.AppsV1().Deployments(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err == nil && d.Status.AvailableReplicas != 1 {
			err = errors.New(name + " is not available")
		}
		return err
	})
}

// versions returns the resourceVersion of every object in the cluster, and, of nodes, what a person can change. It
// leaves out what the cluster itself keeps writing: the leases of its components and nodes, the status of nodes, and
// events.
func (c theirs) versions(t *testing.T) map[string]string {
	t.Helper()
	disco, err := discovery.NewDiscoveryClientForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	client, err := metadata.NewForConfig(c.config)
	if err != nil {
		t.Fatal(err)
	}
	var lists []*metav1.APIResourceList
	testcluster.Eventually(t, func() error { // in a new cluster metrics are served last; until then the list is not complete
		var err error
		lists, err = disco.ServerPreferredResources()
		return err
	})
	found := map[string]string{}
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "watch"}}, lists) {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if r.Name == "leases" || r.Name == "events" || r.Name == "nodes" {
				continue
			}
			objects, err := client.Resource(gv.WithResource(r.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range objects.Items {
				found[r.Name+"/"+o.Namespace+"/"+o.Name] = o.ResourceVersion
			}
		}
	}
	nodes, err := c.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes.Items {
		spec, err := json.Marshal(n.Spec)
		if err != nil {
			t.Fatal(err)
		}
		found["nodes//"+n.Name] = fmt.Sprint(n.UID, n.Labels, n.Annotations, string(spec))
	}
	return found
}

// atRest returns versions once nothing in the cluster has changed by itself for some seconds: the controllers of a new
// cluster start one by one.
func (c theirs) atRest(t *testing.T) map[string]string {
	t.Helper()
	const long = 3 * time.Second
	var last map[string]string
	var since time.Time
	testcluster.Eventually(t, func() error {
		now := c.versions(t)
		if !maps.Equal(now, last) {
			last, since = now, time.Now()
		}
		if time.Since(since) < long {
			return errors.New("the cluster is still at work")
		}
		return nil
	})
	return last
}

func difference(before, after map[string]string) []string {
	var changed []string
	for name, version := range after {
		if before[name] != version {
			changed = append(changed, name+" "+before[name]+" -> "+version)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			changed = append(changed, name+" is gone")
		}
	}
	slices.Sort(changed)
	return changed
}

func newEngine(t *testing.T, stateDir string, lab *content.Lab, guest cluster.Provider) *engine.Engine {
	t.Helper()
	own, err := embedded.New(filepath.Join(stateDir, "clusters"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{
		Labs: catalog.Loaded(lab), Vocabulary: all.Vocabulary(), Providers: []cluster.Provider{own, guest}, StateDir: stateDir,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func yes(context.Context, *engine.VisitPlan) error { return nil }

// TestAStartByMistakeChangesNothing points start at a cluster with other people's workloads.
func TestAStartByMistakeChangesNothing(t *testing.T) {
	c := someoneElses(t, nodes("pool-1", "pool-2", "pool-3", "pool-4"))
	c.makeNamespace(t, "payments")
	c.deploy(t, "payments", "api")
	lab := maintenance(t)
	state := t.TempDir()
	e := newEngine(t, state, lab, existing.New(filepath.Join(state, "existing")))
	asked := 0
	no := func(context.Context, *engine.VisitPlan) error {
		asked++
		return problem.New(problem.Usage, text.New("no", "いいえ"), action.Action{})
	}
	refuses := func(name string, opts engine.StartOptions, want ...string) {
		t.Run(name, func(t *testing.T) {
			before := c.atRest(t)
			if before["deployments/payments/api"] == "" || len(before) < 50 {
				t.Fatalf("only %d objects were found", len(before))
			}
			opts.Provider = existing.Name
			_, err := e.Start(t.Context(), lab.ID, opts, nil)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			for _, part := range want {
				if !strings.Contains(p.What.EN, part) || !strings.Contains(p.What.JA, part) {
					t.Errorf("%q is not in %q, or not in %q", part, p.What.EN, p.What.JA)
				}
			}
			if changed := difference(before, c.versions(t)); len(changed) > 0 {
				t.Errorf("changed: %s", strings.Join(changed, "\n"))
			}
			if _, err := e.Open(t.Context(), lab.ID); problem.KindOf(err) != problem.Usage {
				t.Errorf("the lab counts as started: %v", err)
			}
		})
	}
	refuses("workloads of others", engine.StartOptions{Place: c.place(), AllowNodes: true, Consent: yes},
		"deployment/payments/api", c.Server, "--acknowledge k8slab-theirs")
	refuses("another name is acknowledged", engine.StartOptions{Place: c.place(), AllowNodes: true, Consent: yes, Acknowledge: "prod"},
		"k8slab-theirs", "prod")
	acknowledged := engine.StartOptions{Place: c.place(), Acknowledge: "k8slab-theirs", Consent: yes}
	refuses("nobody said that nodes may be changed", acknowledged, "--allow-nodes")
	acknowledged.AllowNodes = true
	lost := acknowledged
	lost.Step = "node-loss"
	refuses("a step that needs what is not there", lost, "node-loss", "node-power", "existing")
	declined := acknowledged
	declined.Consent = no
	refuses("the person says no", declined)
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}

	t.Run("the person may not create what the lab does", func(t *testing.T) {
		file := c.readers(t)
		_, err := e.Start(t.Context(), lab.ID, engine.StartOptions{
			Provider: existing.Name, Place: cluster.Place{Kubeconfig: file, Context: "reader"}, AllowNodes: true, Acknowledge: "reader", Consent: yes,
		}, nil)
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || !strings.Contains(p.What.EN, "would not accept namespace/shop") || p.Next.String() != "kubectl --kubeconfig "+file+" --context reader auth can-i --list" {
			t.Errorf("got %v; next %v", err, p)
		}
	})

	t.Run("a dry run", func(t *testing.T) {
		before := c.atRest(t)
		opts := acknowledged
		opts.Provider = existing.Name
		v, err := e.PlanVisit(t.Context(), lab.ID, opts, nil)
		if err != nil {
			t.Fatal(err)
		}
		var planned []string
		for _, change := range v.Changes {
			planned = append(planned, fmt.Sprintf("%s %s %s %v", change.Action, change.Kind, change.Name, change.DryRun))
		}
		want := []string{"create Namespace shop true", "create DaemonSet node-agent false", "create Deployment cart false", "create Pod debug-mia false"}
		slices.Sort(planned)
		slices.Sort(want)
		if !slices.Equal(planned, want) {
			t.Errorf("planned %q, want %q", planned, want)
		}
		if changed := difference(before, c.versions(t)); len(changed) > 0 {
			t.Errorf("changed: %s", strings.Join(changed, "\n"))
		}
		for i, fit := range v.Steps {
			if last := i == len(lab.Steps)-1; (fit.Unplayable != nil) != last || fit.Step != lab.Steps[i].ID || fit.NotJudged == 0 || fit.NotJudged >= fit.Checks || !slices.Equal(fit.Lacks, []string{"audit-log"}) {
				t.Errorf("of step %d it is said %+v", i, fit)
			}
		}
		opts.Step = "node-loss"
		if _, err := e.PlanVisit(t.Context(), lab.ID, opts, nil); problem.KindOf(err) != problem.Usage || !strings.Contains(err.Error(), "needs node-power") {
			t.Errorf("a plan for a step that cannot be played: %v", err)
		}
	})

	c.makeNamespace(t, "shop")
	c.deploy(t, "shop", "api")
	refuses("objects of others have the lab's names", acknowledged, "namespace/shop", "deployment/shop/api", "k8slab-theirs")
}

// TestNothingIsDoneToAClusterThatWasMadeAnewAtTheSameAddress has somebody else's session of the lab on the new cluster.
func TestNothingIsDoneToAClusterThatWasMadeAnewAtTheSameAddress(t *testing.T) {
	own := nodes("pool-1", "pool-2", "pool-3", "pool-4")
	first := someoneElses(t, own)
	server, err := url.Parse(first.Server)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(server.Port())
	if err != nil {
		t.Fatal(err)
	}
	lab, state := maintenance(t), t.TempDir()
	e := newEngine(t, state, lab, existing.New(filepath.Join(state, "existing")))
	if _, err := e.Start(t.Context(), lab.ID, engine.StartOptions{Provider: existing.Name, Place: first.place(), AllowNodes: true, Consent: yes}, nil); err != nil {
		t.Fatal(err)
	}

	if err := first.provider.Delete(t.Context(), "theirs"); err != nil {
		t.Fatal(err)
	}
	second := made(t, first.provider, own, port)
	if second.Server != first.Server {
		t.Fatalf("made anew at %s", second.Server)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{cluster.LabLabel: lab.ID}}}
	if _, err := second.client.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	was := second.atRest(t)
	p, err := e.Open(t.Context(), lab.ID)
	if err != nil {
		t.Fatal(err)
	}
	reset := p.Reset(t.Context(), nil)
	next := p.Next(t.Context(), true, nil)
	gone := p.Goto(t.Context(), lab.Steps[1].ID, nil)
	_, checked := p.Check(t.Context(), nil)
	_, deleted := e.Delete(t.Context(), lab.ID, nil)
	for what, err := range map[string]error{"reset": reset, "next": next, "goto": gone, "check": checked, "delete": deleted} {
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || !strings.Contains(p.What.EN, "there is another cluster now") || p.Next.String() != "delete "+lab.ID+" --forget" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if changed := difference(was, second.versions(t)); len(changed) > 0 {
		t.Errorf("changed: %s", strings.Join(changed, "\n"))
	}
}
