package embedded_test

import (
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1beta1 "k8s.io/api/storage/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func oldSpec(name string) cluster.Spec {
	s := spec(name)
	s.Release = "1.36"
	s.Nodes = s.Nodes[:2]
	s.Nodes[1].Version = "1.33"
	s.RuntimeConfig = []string{"storage.k8s.io/v1beta1", "networking.k8s.io/v1beta1"}
	return s
}

// old returns a running cluster of 1.36, on which the controllers have made what they make by themselves.
func old(t *testing.T, s cluster.Spec) (*embedded.Provider, *cluster.Cluster) {
	t.Helper()
	p, c := started(t, s)
	client := clientOf(t, p, s.Name)
	for _, namespace := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
		testcluster.Eventually(t, func() error {
			if _, err := client.CoreV1().ConfigMaps(namespace).Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{}); err != nil {
				return err
			}
			_, err := client.CoreV1().ServiceAccounts(namespace).Get(t.Context(), "default", metav1.GetOptions{})
			return err
		})
	}
	return p, c
}

func clientOf(t *testing.T, p cluster.Provider, name string) *kubernetes.Clientset {
	t.Helper()
	cfg, err := p.Config(t.Context(), name, cluster.Operator)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// serves is the version of the API server.
func serves(t *testing.T, p cluster.Provider, name string) string {
	t.Helper()
	v, err := clientOf(t, p, name).Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	return v.GitVersion
}

// outage asks the API server every 50 ms until stop is called, and returns the longest time without an answer.
func outage(t *testing.T, p cluster.Provider, name string) (stop func() time.Duration) {
	t.Helper()
	cfg, err := p.Config(t.Context(), name, cluster.Operator)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS, cfg.Timeout = -1, time.Second
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	longest := make(chan time.Duration, 1)
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		answered, most := time.Now(), time.Duration(0)
		for ctx.Err() == nil {
			if _, err := client.CoreV1().Namespaces().Get(ctx, "default", metav1.GetOptions{}); err == nil {
				most = max(most, time.Since(answered))
				answered = time.Now()
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
		longest <- most
	}()
	return func() time.Duration { cancel(); return <-longest }
}

func upgraded(t *testing.T, p *embedded.Provider, name string) (history.Upgrade, []string) {
	t.Helper()
	var phases []string
	done, err := p.Upgrade(t.Context(), name, cluster.UpgradeOrder{Release: "1.37"}, func(ph cluster.Phase) {
		if ph.Done {
			phases = append(phases, ph.Name)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return done, phases
}

// TestAnUpgradeKeepsEveryObject goes from 1.36 to 1.37 and back by a checkpoint, and on to 1.37 by another.
func TestAnUpgradeKeepsEveryObject(t *testing.T) {
	s := oldSpec("upgrade")
	p, c := old(t, s)
	ctx := t.Context()
	client := clientOf(t, p, s.Name)
	if old := serves(t, p, s.Name); !strings.HasPrefix(old, "v1.36.") || c.Version != old {
		t.Fatalf("the cluster was made with %s, found as %s", old, c.Version)
	}
	if _, err := client.StorageV1beta1().VolumeAttributesClasses().List(ctx, metav1.ListOptions{}); err != nil {
		t.Errorf("the runtime config had no effect: %v", err)
	}
	kept := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}, Data: map[string]string{"answer": "before"}}
	if _, err := client.CoreV1().ConfigMaps("default").Create(ctx, kept, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	before := everything(t, p, s.Name) // taken first: what a controller makes later is not in the checkpoint
	if err := p.SaveCheckpoint(ctx, s.Name, "at-1.36"); err != nil {
		t.Fatal(err)
	}
	kubectl, err := p.Kubectl(ctx, s.Name)
	if err != nil {
		t.Fatal(err)
	}
	const gold = "storage.k8s.io/volumeattributesclasses//gold"
	class := &storagev1beta1.VolumeAttributesClass{ObjectMeta: metav1.ObjectMeta{Name: "gold"}, DriverName: "disk.example", Parameters: map[string]string{"iops": "9"}}
	class, err = client.StorageV1beta1().VolumeAttributesClasses().Create(ctx, class, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before[gold] = string(class.UID)
	stop := outage(t, p, s.Name)
	done, phases := upgraded(t, p, s.Name)
	t.Logf("the upgrade took %d ms; the API was away for %v", done.TookMS, stop())
	if want := []string{"save", "api-server", "controllers", "scheduler", "ready"}; !slices.Equal(phases, want) {
		t.Errorf("phases %v, want %v", phases, want)
	}
	if done.Outcome != history.Upgraded || done.From != c.Version || done.To != serves(t, p, s.Name) || !strings.HasPrefix(done.To, "v1.37.") {
		t.Errorf("got %+v", done)
	}
	missing(t, before, everything(t, p, s.Name))
	if len(before) < 150 {
		t.Errorf("only %d objects were compared", len(before))
	}
	if c, err = p.Find(ctx, s.Name); err != nil || c.Version != done.To {
		t.Errorf("found as %+v, %v", c, err)
	}
	if to, err := os.Readlink(kubectl); err != nil || !strings.HasSuffix(to, done.To) {
		t.Errorf("kubectl is %s, %v", to, err)
	}
	if _, err := client.StorageV1beta1().VolumeAttributesClasses().List(ctx, metav1.ListOptions{}); err == nil {
		t.Error("1.37 still serves storage.k8s.io/v1beta1")
	}
	for node, want := range map[string]string{"worker-1": done.From, "worker-2": "v1.33.0"} {
		if got := kubelet(t, client, node); got != want {
			t.Errorf("the upgrade of the control plane left %s with kubelet %s, want %s", node, got, want)
		}
	}

	t.Run("and goes no further, and not down", func(t *testing.T) {
		for _, release := range []string{"1.36", "1.37", "1.39"} {
			if _, err := p.Upgrade(ctx, s.Name, cluster.UpgradeOrder{Release: release}, nil); err == nil {
				t.Errorf("to %s: no error", release)
			}
		}
	})
	t.Run("its nodes follow, and not beyond it", func(t *testing.T) {
		_, err := p.UpgradeNode(ctx, s.Name, "worker-2", cluster.UpgradeOrder{Release: "1.38"})
		if err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("to 1.38: %v", err)
		}
		record, err := p.UpgradeNode(ctx, s.Name, "worker-2", cluster.UpgradeOrder{Release: "1.37"})
		if err != nil || record.To != done.To || record.From != "v1.33.0" || kubelet(t, client, "worker-2") != done.To {
			t.Errorf("got %+v, %v", record, err)
		}
		if _, err := p.UpgradeNode(ctx, s.Name, "worker-2", cluster.UpgradeOrder{Release: "1.36"}); err == nil {
			t.Error("a node went down")
		}
		testcluster.Eventually(t, func() error { return nodeReady(ctx, client, "worker-2") })
	})
	if err := p.SaveCheckpoint(ctx, s.Name, "at-1.37"); err != nil {
		t.Fatal(err)
	}

	t.Run("a checkpoint brings its release back", func(t *testing.T) {
		if err := client.CoreV1().ConfigMaps("default").Delete(ctx, "kept", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		for _, to := range []struct{ checkpoint, version, kubelet string }{
			{"at-1.36", done.From, "v1.33.0"}, {"at-1.37", done.To, done.To}, {"at-1.36", done.From, "v1.33.0"},
		} {
			began := time.Now()
			if err := p.RestoreCheckpoint(ctx, s.Name, to.checkpoint); err != nil {
				t.Fatal(err)
			}
			t.Logf("restoring %s took %v", to.checkpoint, time.Since(began))
			if got := serves(t, p, s.Name); got != to.version {
				t.Errorf("after %s the API server is %s, want %s", to.checkpoint, got, to.version)
			}
			if _, err := client.CoreV1().ConfigMaps("default").Get(ctx, "kept", metav1.GetOptions{}); err != nil {
				t.Error(err)
			}
			testcluster.Eventually(t, func() error {
				if got := kubelet(t, client, "worker-2"); got != to.kubelet {
					return fmt.Errorf("after %s the kubelet is %s, want %s", to.checkpoint, got, to.kubelet)
				}
				return nil
			})
		}
		delete(before, gold) // it came after the checkpoint
		missing(t, before, everything(t, p, s.Name))
	})
	t.Run("the release survives a stop", func(t *testing.T) {
		upgraded(t, p, s.Name)
		if err := p.Stop(ctx, s.Name); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Ensure(ctx, s, nil); err != nil {
			t.Fatal(err)
		}
		if got := serves(t, p, s.Name); got != done.To {
			t.Errorf("the API server is %s, want %s", got, done.To)
		}
		missing(t, before, everything(t, p, s.Name))
	})
	t.Run("everything is on record", func(t *testing.T) {
		all, err := p.Upgrades(ctx, s.Name)
		if err != nil || len(all) != 3 || all[1].Node != "worker-2" || all[2].Node != "" {
			t.Errorf("got %+v, %v", all, err)
		}
	})
}

// everything is the UID of every object by group, resource, namespace and name, but for what only says who is alive,
// what happened, and which APIs there are.
func everything(t *testing.T, p cluster.Provider, name string) map[string]string {
	t.Helper()
	cfg, err := p.Config(t.Context(), name, cluster.Operator)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	all, err := metadata.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var resources []*metav1.APIResourceList
	testcluster.Eventually(t, func() error { // an aggregated API is there a moment after the API server
		resources, err = clientOf(t, p, name).Discovery().ServerPreferredResources()
		return err
	})
	found := map[string]string{}
	for _, list := range resources {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		if gv.Group == "metrics.k8s.io" {
			continue
		}
		for _, r := range list.APIResources {
			if !slices.Contains(r.Verbs, "list") || slices.Contains([]string{"events", "leases", "componentstatuses", "apiservices"}, r.Name) {
				continue
			}
			items, err := all.Resource(gv.WithResource(r.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatalf("list %s of %s: %v", r.Name, gv, err)
			}
			for _, item := range items.Items {
				found[gv.Group+"/"+r.Name+"/"+item.Namespace+"/"+item.Name] = string(item.UID)
			}
		}
	}
	return found
}

// missing reports objects that have gone or have another UID.
func missing(t *testing.T, before, after map[string]string) {
	t.Helper()
	for name, uid := range before {
		if after[name] != uid {
			t.Errorf("%s had UID %s and has %q", name, uid, after[name])
		}
	}
}

func kubelet(t *testing.T, client kubernetes.Interface, node string) string {
	t.Helper()
	object, err := client.CoreV1().Nodes().Get(t.Context(), node, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return object.Status.NodeInfo.KubeletVersion
}

func nodeReady(ctx context.Context, client kubernetes.Interface, node string) error {
	object, err := client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, c := range object.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return errors.New(node + " is not Ready")
}

// TestAnUpgradeThatWasKilledIsFinishedOrUndone kills the supervisor as soon as a phase is announced, and starts the
// cluster again.
func TestAnUpgradeThatWasKilledIsFinishedOrUndone(t *testing.T) {
	s := oldSpec("killed-upgrade")
	p, c := old(t, s)
	ctx := t.Context()
	for _, phase := range []string{"save", "api-server", "controllers", "scheduler", "ready"} {
		t.Run(phase, func(t *testing.T) {
			if err := p.SaveCheckpoint(ctx, s.Name, "before"); err != nil {
				t.Fatal(err)
			}
			before := everything(t, p, s.Name)
			pid := supervisorOf(t, p, s.Name)
			_, err := p.Upgrade(ctx, s.Name, cluster.UpgradeOrder{Release: "1.37"}, func(ph cluster.Phase) {
				if ph.Name == phase && !ph.Done {
					if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
						t.Error(err)
					}
				}
			})
			// It was killed in this phase or in one a moment later, the last of which is over at once.
			in := phaseIn(t, filepath.Dir(c.Kubeconfig))
			if (err == nil || in == "") && phase != "ready" {
				t.Fatalf("the upgrade went through: %v", err)
			}
			want := c.Version
			if in != "save" && in != "api-server" {
				want = "v1.37."
			}
			if _, err := p.Ensure(ctx, s, nil); err != nil {
				t.Fatal(err)
			}
			if got := serves(t, p, s.Name); !strings.HasPrefix(got, want) {
				t.Errorf("killed in the phase %s: the API server is %s, want %s", in, got, want)
			}
			missing(t, before, everything(t, p, s.Name))
			all, err := p.Upgrades(ctx, s.Name)
			if err != nil || len(all) == 0 || all[len(all)-1].Resumed != (in != "") {
				t.Errorf("recorded: %+v, %v", all, err)
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(c.Kubeconfig), "transition.json")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the transition is not forgotten: %v", err)
			}
			if err := p.RestoreCheckpoint(ctx, s.Name, "before"); err != nil {
				t.Fatal(err)
			}
			if got := serves(t, p, s.Name); got != c.Version {
				t.Errorf("restored to %s, want %s", got, c.Version)
			}
		})
	}
}

// phaseIn is the phase in which an upgrade was cut short; empty where none was.
func phaseIn(t *testing.T, dir string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "transition.json"))
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	var transition struct{ Phase string }
	if err := json.Unmarshal(raw, &transition); err != nil {
		t.Fatal(err)
	}
	return transition.Phase
}

func supervisorOf(t *testing.T, p *embedded.Provider, name string) int {
	t.Helper()
	c, err := p.Find(t.Context(), name)
	if err != nil || len(c.Components) == 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	return testcluster.Parent(t, c.Components[0].PID)
}

// TestAControlPlaneThatDoesNotStartIsRolledBack offers a 1.37 whose first instruction is none.
func TestAControlPlaneThatDoesNotStartIsRolledBack(t *testing.T) {
	dir := t.TempDir()
	sound, broken := testcluster.Executable(t, "1.36"), testcluster.Executable(t, "1.37")
	if err := os.Symlink(sound, filepath.Join(dir, filepath.Base(sound))); err != nil {
		t.Fatal(err)
	}
	withoutEntry(t, broken, filepath.Join(dir, filepath.Base(broken)))
	t.Setenv(embedded.DirVariable, dir)
	s := oldSpec("broken-upgrade")
	p, c := old(t, s)
	before := everything(t, p, s.Name)
	done, phases := upgraded(t, p, s.Name)
	if done.Outcome != history.RolledBack || !strings.Contains(done.Error, "kube-apiserver") || !slices.Contains(p.Logs(), done.Log) {
		t.Errorf("got %+v", done)
	}
	if want := []string{"save", "roll-back"}; !slices.Equal(phases, want) {
		t.Errorf("phases %v, want %v", phases, want)
	}
	if got := serves(t, p, s.Name); got != c.Version {
		t.Errorf("the API server is %s, want %s", got, c.Version)
	}
	missing(t, before, everything(t, p, s.Name))
	testcluster.Eventually(t, func() error {
		c, err := p.Find(t.Context(), s.Name)
		if err == nil && c.State != cluster.Running {
			err = fmt.Errorf("the cluster is %s", c.State)
		}
		return err
	})
}

// withoutEntry copies an executable and clears the instructions that it begins with.
func withoutEntry(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	file, err := elf.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_LOAD && file.Entry >= segment.Vaddr && file.Entry < segment.Vaddr+segment.Filesz {
			at := file.Entry - segment.Vaddr + segment.Off
			clear(raw[at : at+16])
		}
	}
	if err := os.WriteFile(to, raw, 0o755); err != nil {
		t.Fatal(err)
	}
}
