package clients_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/cluster/embedded/clients"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// introduction is a program that nobody else knows: it asks the API server who it is.
type introduction struct{}

func (introduction) Round(ctx context.Context, s clients.Session) {
	config, _, err := s.Config(ctx)
	if err != nil {
		s.Say("error: " + err.Error())
		return
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		s.Say("error: " + err.Error())
		return
	}
	_, err = client.CoreV1().Secrets("default").List(ctx, metav1.ListOptions{})
	s.Say(fmt.Sprint(err))
}

func TestAProgramIsAddedByBeingListed(t *testing.T) {
	ctx := t.Context()
	client, config := startCluster(t)
	pod, err := client.CoreV1().Pods("default").Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "caller", Labels: map[string]string{"app": "caller"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "caller"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	introduce := func(c behavior.Client) clients.Program {
		if c.Spec.Apply != nil {
			return nil
		}
		return introduction{}
	}
	bounds := behavior.ClientSpec{
		Namespace: "default", ServiceAccount: "default", Selector: metav1.LabelSelector{MatchLabels: pod.Labels},
		Every: metav1.Duration{Duration: time.Second},
	}
	applies := bounds
	applies.Apply = &behavior.ClientApply{ConfigMap: "none"}
	kubeconfig, err := clientcmd.BuildConfigFromFlags("", config)
	if err != nil {
		t.Fatal(err)
	}
	player, err := clients.New(append(clients.All(), introduce), kubeconfig, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	declared := []behavior.Client{{Name: "introduces", Spec: bounds}, {Name: "applies", Spec: applies}}
	if err := player.Set(declared); err != nil {
		t.Fatal(err)
	}
	playing, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); player.Run(playing) }()
	t.Cleanup(func() { stop(); <-ended })

	testcluster.Eventually(t, func() error {
		lines, _ := player.Written(pod, "main", pod.CreationTimestamp.Time)
		said := map[string]bool{}
		for _, line := range lines {
			said[line.Text] = true
		}
		for _, want := range []string{
			`User "system:serviceaccount:default:default" cannot list resource "secrets"`, `configmaps "none" not found`,
		} {
			found := false
			for text := range said {
				found = found || strings.Contains(text, want)
			}
			if !found {
				return fmt.Errorf("the clients said %v, want %s", said, want)
			}
		}
		return nil
	})
}

// startCluster returns a client of a cluster with one node, and the kubeconfig of its operator.
func startCluster(t *testing.T) (kubernetes.Interface, string) {
	t.Helper()
	provider, err := embedded.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := provider.Delete(context.Background(), "clients"); err != nil {
			t.Error(err)
		}
	})
	spec := cluster.Spec{Name: "clients", Release: "1.37", Nodes: []cluster.Node{{Name: "worker-1"}}}
	made, err := provider.Ensure(t.Context(), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", made.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client, made.Kubeconfig
}
