package clustertest

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/cluster"
)

// patience is how long the suite waits for anything that a controller has to do.
const patience = time.Minute

// Run puts the provider through the suite. Spec is a cluster that the provider can make, with at least two nodes. The
// suite uses names that begin with spec.Name, and deletes the clusters that it has made.
func Run(t *testing.T, p cluster.Provider, spec cluster.Spec) {
	s := &suite{provider: p, spec: spec}
	t.Cleanup(func() { s.delete(t, spec.Name) })

	t.Run("a cluster that was never made is not found", s.unknown)
	t.Run("Ensure makes nodes of the shape and reports its phases", s.ensure)
	t.Run("Ensure again changes nothing", s.ensureAgain)
	t.Run("each identity speaks as itself", s.identities)
	t.Run("the learner's kubeconfig works and is private", s.kubeconfig)
	t.Run("a Deployment spreads, becomes available and survives a deleted pod", s.workload)
	t.Run("eviction answers as the disruption budget says", s.eviction)
	t.Run("each capability is there through its interface", s.capabilities)
	t.Run("two clusters do not see each other", s.sideBySide)
	t.Run("a stopped cluster keeps its state", s.stopAndStart)
	t.Run("an interrupted Ensure can be repeated", s.interrupted)
	t.Run("an upgrade refuses what is not the next release", s.refusedUpgrades)
	t.Run("a node is not upgraded beyond the API server", s.refusedNodeUpgrade)
	t.Run("an upgrade keeps the objects and is on record", s.upgraded)
	t.Run("each log that is named can be read", s.logs)
	t.Run("Delete leaves nothing and may be repeated", s.deleted)
}

type suite struct {
	provider cluster.Provider
	spec     cluster.Spec
}

func (s *suite) client(t *testing.T, name string, id cluster.Identity) kubernetes.Interface {
	t.Helper()
	return Client(t, s.provider, name, id)
}

// Client speaks to the cluster of that name as the identity, or fails the test.
func Client(t *testing.T, p cluster.Provider, name string, id cluster.Identity) kubernetes.Interface {
	t.Helper()
	cfg, err := p.Config(t.Context(), name, id)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// eventually waits until f returns nil and fails the test with f's last error when patience ends.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = f()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("after %v: %v", patience, last)
	}
}

func (s *suite) delete(t *testing.T, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.provider.Delete(ctx, name); err != nil {
		t.Errorf("delete %s: %v", name, err)
	}
}

func (s *suite) unknown(t *testing.T) {
	if _, err := s.provider.Find(t.Context(), s.spec.Name); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("Find: got error %v, want ErrNotFound", err)
	}
}

func (s *suite) ensure(t *testing.T) {
	var begun, ended []string
	c, err := s.provider.Ensure(t.Context(), s.spec, func(p cluster.Phase) {
		if !p.Done {
			begun = append(begun, p.Name)
			return
		}
		ended = append(ended, p.Name)
		if p.Elapsed <= 0 {
			t.Errorf("phase %s took no time", p.Name)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(begun) == 0 || !slices.Equal(begun, ended) {
		t.Errorf("phases begun %v, ended %v", begun, ended)
	}
	if c.State != cluster.Running || c.Provider != s.provider.Name() || c.Name != s.spec.Name {
		t.Errorf("got %+v", c)
	}
	client := s.client(t, s.spec.Name, cluster.Operator)
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if got := version.Major + "." + version.Minor; got != s.spec.Release || version.GitVersion != c.Version {
		t.Errorf("the server is %s (%s); the spec says %s, the provider %s", got, version.GitVersion, s.spec.Release, c.Version)
	}
	for _, want := range s.spec.Nodes {
		node, err := client.CoreV1().Nodes().Get(t.Context(), want.Name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if node.Labels[corev1.LabelTopologyZone] != want.Zone || node.Labels["agentpool"] != want.Pool {
			t.Errorf("node %s: labels %v, want zone %s and pool %s", want.Name, node.Labels, want.Zone, want.Pool)
		}
		info := node.Status.NodeInfo
		if info.KubeletVersion == "" || info.BootID == "" || info.ContainerRuntimeVersion == "" || info.OSImage == "" || info.KernelVersion == "" {
			t.Errorf("node %s: incomplete node info %+v", want.Name, info)
		}
	}
}

func (s *suite) ensureAgain(t *testing.T) {
	before := s.clusterID(t, s.spec.Name)
	if _, err := s.provider.Ensure(t.Context(), s.spec, nil); err != nil {
		t.Fatal(err)
	}
	if after := s.clusterID(t, s.spec.Name); after != before {
		t.Errorf("the cluster was replaced: %s, then %s", before, after)
	}
}

func (s *suite) clusterID(t *testing.T, name string) string {
	t.Helper()
	ns, err := s.client(t, name, cluster.Operator).CoreV1().Namespaces().Get(t.Context(), metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return string(ns.UID)
}

func (s *suite) identities(t *testing.T) {
	for _, id := range []cluster.Identity{cluster.Learner, cluster.Grader, cluster.Operator} {
		review, err := s.client(t, s.spec.Name, id).AuthenticationV1().SelfSubjectReviews().
			Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := string(id)
		if _, guest := cluster.As[cluster.Guest](s.provider); guest {
			want = string(cluster.Learner) // whoever made the cluster gave one person credentials
		}
		if got := review.Status.UserInfo.Username; got != want {
			t.Errorf("%s speaks as %s, want %s", id, got, want)
		}
	}
}

func (s *suite) kubeconfig(t *testing.T) {
	c, err := s.provider.Find(t.Context(), s.spec.Name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if perm := info.Mode().Perm(); perm != 0o600 {
		t.Errorf("the kubeconfig has mode %o", perm)
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Host != c.Server {
		t.Errorf("the kubeconfig points at %s, the cluster is at %s", cfg.Host, c.Server)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}

const (
	namespace = "conformance"
	// image is simulated if the cluster's pods are; on real nodes it is the image that testdata/kindnode builds.
	image    = "k8slab.local/web:1"
	replicas = 2
)

func labels() map[string]string { return map[string]string{"app": "web"} }

func (s *suite) workload(t *testing.T) {
	client := s.client(t, s.spec.Name, cluster.Learner)
	ctx := t.Context()
	if loader, ok := cluster.As[cluster.ImageLoader](s.provider); ok {
		if err := loader.LoadImages(ctx, s.spec.Name, []string{image}); err != nil {
			t.Fatal(err)
		}
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.AppsV1().Deployments(namespace).Create(ctx, deployment(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.awaitAvailable(t, client)
	list, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	nodes, ips := map[string]bool{}, map[string]bool{}
	for _, pod := range list.Items {
		nodes[pod.Spec.NodeName], ips[pod.Status.PodIP] = true, true
	}
	if len(nodes) != replicas || len(ips) != replicas || ips[""] {
		t.Errorf("pods are on nodes %v with addresses %v", nodes, ips)
	}
	gone := list.Items[0]
	if err := client.CoreV1().Pods(namespace).Delete(ctx, gone.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := client.CoreV1().Pods(namespace).Get(ctx, gone.Name, metav1.GetOptions{})
		if err == nil {
			return errors.New("the deleted pod is still there")
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
		return nil
	})
	s.awaitAvailable(t, client)
}

func deployment() *appsv1.Deployment {
	n := int32(replicas)
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: labels()},
		Spec: appsv1.DeploymentSpec{
			Replicas: &n,
			Selector: &metav1.LabelSelector{MatchLabels: labels()},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels()},
				Spec: corev1.PodSpec{
					Containers: []corev1.Container{{Name: "web", Image: image}},
					TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
						MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.DoNotSchedule,
						LabelSelector: &metav1.LabelSelector{MatchLabels: labels()},
					}},
				},
			},
		},
	}
}

func (s *suite) awaitAvailable(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	eventually(t, func() error {
		d, err := client.AppsV1().Deployments(namespace).Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if d.Status.ObservedGeneration < d.Generation || d.Status.AvailableReplicas != replicas || d.Status.Replicas != replicas {
			return errors.New("the Deployment is not available")
		}
		return nil
	})
}

func (s *suite) eviction(t *testing.T) {
	client := s.client(t, s.spec.Name, cluster.Learner)
	ctx := t.Context()
	floor := intstr.FromInt32(replicas)
	pdb := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       policyv1.PodDisruptionBudgetSpec{MinAvailable: &floor, Selector: &metav1.LabelSelector{MatchLabels: labels()}},
	}
	if _, err := client.PolicyV1().PodDisruptionBudgets(namespace).Create(ctx, pdb, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		live, err := client.PolicyV1().PodDisruptionBudgets(namespace).Get(ctx, "web", metav1.GetOptions{})
		if err == nil && (live.Status.ObservedGeneration < live.Generation || live.Status.CurrentHealthy != replicas) {
			err = errors.New("the disruption controller has not caught up")
		}
		return err
	})
	if err := s.evict(t, client); !apierrors.IsTooManyRequests(err) {
		t.Errorf("with no disruption allowed eviction answered %v, want 429", err)
	}
	if err := client.PolicyV1().PodDisruptionBudgets(namespace).Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error { return s.evict(t, client) })
	s.awaitAvailable(t, client)
}

func (s *suite) evict(t *testing.T, client kubernetes.Interface) error {
	t.Helper()
	list, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := list.Items[0]
	return client.PolicyV1().Evictions(namespace).Evict(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: namespace}})
}

func (s *suite) sideBySide(t *testing.T) {
	other := s.spec
	other.Name += "-2"
	t.Cleanup(func() { s.delete(t, other.Name) })
	if _, err := s.provider.Ensure(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	if s.clusterID(t, other.Name) == s.clusterID(t, s.spec.Name) {
		t.Error("both names lead to one cluster")
	}
	_, err := s.client(t, other.Name, cluster.Operator).CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the second cluster answers %v about a namespace of the first", err)
	}
	if lister, ok := cluster.As[cluster.Lister](s.provider); ok {
		names, err := lister.List(t.Context())
		if err != nil || !slices.Contains(names, s.spec.Name) || !slices.Contains(names, other.Name) {
			t.Errorf("List: %v, %v", names, err)
		}
	}
}

func (s *suite) stopAndStart(t *testing.T) {
	stopper, ok := cluster.As[cluster.Stopper](s.provider)
	if !ok {
		return // a cluster that cannot be stopped has no state to keep
	}
	before := s.clusterID(t, s.spec.Name)
	if err := stopper.Stop(t.Context(), s.spec.Name); err != nil {
		t.Fatal(err)
	}
	c, err := s.provider.Find(t.Context(), s.spec.Name)
	if err != nil || c.State != cluster.Stopped {
		t.Fatalf("after Stop: %+v, %v", c, err)
	}
	if err := stopper.Stop(t.Context(), s.spec.Name); err != nil {
		t.Errorf("Stop again: %v", err)
	}
	if _, err := s.provider.Ensure(t.Context(), s.spec, nil); err != nil {
		t.Fatal(err)
	}
	if after := s.clusterID(t, s.spec.Name); after != before {
		t.Errorf("another cluster came back: %s, then %s", before, after)
	}
	s.awaitAvailable(t, s.client(t, s.spec.Name, cluster.Learner))
}

func (s *suite) interrupted(t *testing.T) {
	other := s.spec
	other.Name += "-3"
	t.Cleanup(func() { s.delete(t, other.Name) })
	for _, phase := range []string{"certificates", "control-plane"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.provider.Ensure(ctx, other, func(p cluster.Phase) {
			if p.Name == phase {
				cancel()
			}
		})
		cancel()
		if err == nil {
			continue // the provider does not have that phase and was not interrupted
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted in %s: %v", phase, err)
		}
	}
	if _, err := s.provider.Ensure(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	s.clusterID(t, other.Name)
}

// logs runs after every test that may write a log. LogFile leads to no other files, and nobody else can read a log.
func (s *suite) logs(t *testing.T) {
	files, ok := cluster.As[cluster.LogFiles](s.provider)
	if !ok {
		return
	}
	written := 0
	for _, log := range files.Logs() {
		path, err := files.LogFile(t.Context(), s.spec.Name, log)
		if err != nil {
			t.Errorf("%s: %v", log, err)
			continue
		}
		info, err := os.Stat(path)
		if err == nil && info.Size() > 0 {
			written++
		}
		if err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
	}
	if written == 0 {
		t.Errorf("nothing is in any of %v", files.Logs())
	}
	if path, err := files.LogFile(t.Context(), s.spec.Name, "../cluster.json"); err == nil {
		t.Errorf("a log that is not named is %s", path)
	}
}

func (s *suite) deleted(t *testing.T) {
	c, err := s.provider.Find(t.Context(), s.spec.Name)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.provider.Delete(t.Context(), s.spec.Name); err != nil {
			t.Fatal(err)
		}
		if _, err := s.provider.Find(t.Context(), s.spec.Name); !errors.Is(err, cluster.ErrNotFound) {
			t.Errorf("after Delete: got error %v, want ErrNotFound", err)
		}
	}
	if _, err := os.Stat(c.Kubeconfig); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the kubeconfig is still there: %v", err)
	}
}
