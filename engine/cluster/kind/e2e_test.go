//go:build e2e

package kind_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/clustertest"
	"github.com/k8slab/k8slab/engine/cluster/kind"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/internal/testcluster"
)

// TestMain runs the recorder if the provider has started this test binary as its recorder.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "supervise" && os.Args[2] == "--kind" {
		os.Exit(kind.RunRecorder(context.Background(), os.Args[3:]))
	}
	os.Exit(m.Run())
}

func spec(name, release string) cluster.Spec {
	return cluster.Spec{Name: name, Release: release, Nodes: []cluster.Node{
		{Name: "worker-1", Zone: "z1", Pool: "apps"}, {Name: "worker-2", Zone: "z2", Pool: "apps"},
	}}
}

func TestConformance(t *testing.T) {
	p, err := kind.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// The oldest release, so that the suite also upgrades if there are images of several releases.
	clustertest.Run(t, p, spec("conformance", oldestRelease(t, p)))
}

func oldestRelease(t *testing.T, p *kind.Provider) string {
	t.Helper()
	releases, err := p.Releases(t.Context())
	if err != nil || len(releases) == 0 {
		t.Fatalf("%s names no node image: %v", kind.ImageVariable, err)
	}
	return slices.Min(releases)
}

// TestAMachineGoesThroughALab does to one cluster what a learner does: reboots a machine, takes its power away and
// gives it back, while the audit log and the record of the cluster are read. The cluster begins as a later step of a
// lab does, with an older kubelet if there is an image of another release.
func TestAMachineGoesThroughALab(t *testing.T) {
	p, err := kind.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const name, node = "machines", "worker-1"
	t.Cleanup(func() {
		if err := p.Delete(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	wanted := spec(name, oldestRelease(t, p))
	wanted.Begin = cluster.Beginning{Release: "1.37", Kubelets: map[string]string{node: "1.37"}}
	c, err := p.Ensure(t.Context(), wanted, nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cfg, err := p.Config(t.Context(), name, cluster.Learner)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	find := func(node string) *corev1.Node {
		t.Helper()
		n, err := client.CoreV1().Nodes().Get(t.Context(), node, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	look := func() *corev1.Node { t.Helper(); return find(node) }
	for what, versions := range map[string][2]string{
		"control plane": {c.Version, "1.37"}, node: {look().Status.NodeInfo.KubeletVersion, "1.37"},
		"worker-2": {find("worker-2").Status.NodeInfo.KubeletVersion, wanted.Release},
	} {
		if has, want := versions[0], versions[1]; !strings.HasPrefix(has, "v"+want+".") {
			t.Errorf("%s begins with %s, want %s", what, has, want)
		}
	}

	if err := p.TouchNode(t.Context(), name, node, "/var/run/reboot-required"); err != nil {
		t.Error(err)
	}
	before := look().Status.NodeInfo.BootID
	if err := p.RebootNode(t.Context(), name, node); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, func() error {
		if n := look(); n.Status.NodeInfo.BootID == before || ready(n) != corev1.ConditionTrue {
			return fmt.Errorf("boot ID %s, Ready %s", n.Status.NodeInfo.BootID, ready(n))
		}
		return nil
	})

	if err := p.StopNode(t.Context(), name, node); err != nil {
		t.Fatal(err)
	}
	if c, err := p.Find(t.Context(), name); err != nil || c.State != cluster.Running {
		t.Errorf("with a machine off: %+v, %v", c, err)
	}
	if _, err := p.Ensure(t.Context(), wanted, nil); err != nil {
		t.Fatal(err)
	}
	if c, err := p.Find(t.Context(), name); err != nil || c.Components[1].State != "stopped" {
		t.Errorf("Ensure gave the power back: %+v, %v", c, err)
	}
	if err := p.StartNode(t.Context(), name, node); err != nil {
		t.Fatal(err)
	}
	testcluster.Eventually(t, func() error {
		if n := look(); ready(n) != corev1.ConditionTrue || n.Status.NodeInfo.BootID == before {
			return fmt.Errorf("Ready %s", ready(n))
		}
		return nil
	})

	patch := []byte(`{"spec":{"unschedulable":true}}`)
	if _, err := client.CoreV1().Nodes().Patch(t.Context(), node, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	log := history.Open(func(ctx context.Context) ([]string, error) { return p.AuditLog(ctx, name) })
	requests, err := log.Requests(t.Context(), history.Query{Since: began})
	if err != nil || !slices.ContainsFunc(requests, func(r history.Request) bool {
		return r.User == string(cluster.Learner) && r.Resource == "nodes" && r.Name == node && r.Verb == "patch"
	}) {
		t.Errorf("the cordon is not in the audit log: %d requests, %v", len(requests), err)
	}
	record := history.OpenRecording(func(ctx context.Context) (string, error) {
		if err := p.CatchUp(ctx, name); err != nil {
			return "", err
		}
		return p.Recording(ctx, name)
	})
	line, err := record.Timeline(t.Context(), began)
	if err != nil {
		t.Fatal(err)
	}
	boots := map[string]bool{}
	for _, r := range line.Records {
		if r.Node != nil && r.Name == node {
			boots[r.Node.Boot] = true
		}
	}
	if len(boots) < 2 {
		t.Errorf("the record has the boots %v of %s", boots, node)
	}
}

func ready(n *corev1.Node) corev1.ConditionStatus {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status
		}
	}
	return corev1.ConditionUnknown
}
