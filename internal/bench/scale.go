package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
)

const (
	// crowd is the name of the cluster and of the Deployment that fills it.
	crowd = "crowd"
	// scaleTimeout bounds each wait.
	scaleTimeout = 10 * time.Minute
)

// scale fills one cluster of many nodes with pods and drains one of the nodes.
func scale(ctx context.Context, bin string, nodes, pods int) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	if err := os.Setenv(embedded.DirVariable, bin); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "k8slab-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := embedded.New(dir, filepath.Join(bin, "k8slab"), "supervise")
	if err != nil {
		return err
	}
	spec := cluster.Spec{Name: crowd, Release: "1.37"}
	for i := range nodes {
		spec.Nodes = append(spec.Nodes, cluster.Node{Name: fmt.Sprintf("worker-%d", i+1), Zone: fmt.Sprintf("z%d", i%3+1), Pool: "apps"})
	}
	defer func() {
		if err := p.Delete(context.WithoutCancel(ctx), crowd); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}()
	began := time.Now()
	c, err := p.Ensure(ctx, spec, nil)
	if err != nil {
		return err
	}
	fmt.Printf("%d nodes, all Ready                        %7.1f s\n", nodes, time.Since(began).Seconds())
	if err := fill(ctx, p, pods); err != nil {
		return err
	}
	memory, err := pss(dir)
	if err != nil {
		return err
	}
	fmt.Printf("memory, sum of PSS with all pods running    %7.0f MB\n", memory)
	kubectl, err := p.Kubectl(ctx, crowd)
	if err != nil {
		return err
	}
	began = time.Now()
	drain := exec.CommandContext(ctx, kubectl, "drain", "worker-1", "--ignore-daemonsets", "--timeout=5m")
	drain.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
	if out, err := drain.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl drain: %w\n%s", err, out)
	}
	fmt.Printf("kubectl drain of one of the nodes           %7.1f s\n", time.Since(began).Seconds())
	return nil
}

// fill makes a Deployment of so many pods and waits until all are available.
func fill(ctx context.Context, p *embedded.Provider, pods int) error {
	cfg, err := p.Config(ctx, crowd, cluster.Operator)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	labels, replicas := map[string]string{"app": crowd}, int32(pods)
	deployments := client.AppsV1().Deployments(metav1.NamespaceDefault)
	began := time.Now()
	_, err = deployments.Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: crowd},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "k8slab.local/app:1"}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for {
		d, err := deployments.Get(ctx, crowd, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if d.Status.AvailableReplicas == replicas {
			break
		}
		if time.Since(began) > scaleTimeout {
			return fmt.Errorf("%d of %d pods are available after %v", d.Status.AvailableReplicas, replicas, scaleTimeout)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	if pods == 0 {
		return errors.New("no pods were asked for")
	}
	took := time.Since(began)
	fmt.Printf("%d pods, from nothing to all available    %7.1f s, %.0f a second\n", pods, took.Seconds(), float64(pods)/took.Seconds())
	return nil
}
