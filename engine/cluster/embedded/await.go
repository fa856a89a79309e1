package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// errSupervisorGone says that a supervisor was killed just after it had been found running.
var errSupervisorGone = errors.New("the supervisor has ended")

// awaitReady waits until the supervisor says that the cluster is ready. The supervisor's control socket appears a
// moment after its process. The channel ended is for a supervisor that was started now. If ended is nil and no
// supervisor runs any more, awaitReady returns errSupervisorGone.
func (f folder) awaitReady(ctx context.Context, ended <-chan error) error {
	for {
		st, err := f.control(ctx, "GET", "/ready")
		switch {
		case err == nil && st.Ready:
			return f.awaitComponents(ctx)
		case err == nil && st.Fatal != "":
			return startProblem(f, st.Fatal)
		case err != nil && ended == nil && !f.supervised():
			return errSupervisorGone
		}
		select {
		case <-ended:
			return startProblem(f, lastLine(f.supervisorLog()))
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return startProblem(f, fmt.Sprintf("not ready after %v", startTimeout))
		case <-time.After(readyPoll):
		}
	}
}

// awaitComponents starts what was stopped by hand: a cluster that is started has all its components. To start the API
// server also waits until its clients know it.
func (f folder) awaitComponents(ctx context.Context) error {
	st, err := f.control(ctx, "GET", "/status")
	if err != nil {
		return err
	}
	for _, c := range st.Components {
		if c.State == stateStopped || c.Name == apiServer {
			if _, err := f.control(ctx, "POST", "/components/"+c.Name+"/start"); err != nil {
				return err
			}
		}
	}
	cfg, err := clientcmd.BuildConfigFromFlags("", f.identity("operator"))
	if err != nil {
		return err
	}
	ask, err := readiness(cfg)
	if err != nil {
		return err
	}
	err = wait.PollUntilContextCancel(ctx, readyPoll, true, func(ctx context.Context) (bool, error) { return ask(ctx), nil })
	if err != nil {
		return startProblem(f, "the API server does not answer")
	}
	return nil
}

func startProblem(f folder, detail string) error {
	return problem.New(problem.Cluster,
		text.Text{EN: "the control plane did not start: " + detail + " (logs: " + f.path("logs") + ")", JA: "コントロールプレーンを起動できませんでした: " + detail + "（ログ: " + f.path("logs") + "）"},
		action.Do(action.Doctor))
}

// storageProblem explains an error of writing the folder; nil stays nil.
func (f folder) storageProblem(err error) error {
	if _, known := errors.AsType[*problem.Problem](err); err == nil || known {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	return problem.New(problem.Cluster,
		text.New("the cluster's folder cannot be written: %v", "クラスターのフォルダーに書き込めません: %v", err),
		action.Do(action.Doctor)).From(err)
}

// awaitNodes waits until every node of spec is Ready.
func (f folder) awaitNodes(ctx context.Context, spec cluster.Spec) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", f.identity("operator"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	var missing []string
	err = wait.PollUntilContextCancel(ctx, nodesPoll, true, func(ctx context.Context) (bool, error) {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err == nil {
			missing = notReady(spec.Nodes, list.Items)
		}
		return err == nil && len(missing) == 0, nil
	})
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return startProblem(f, fmt.Sprintf("nodes %v are not Ready", missing))
}

// notReady returns the names of the wanted nodes that are not Ready and schedulable-by-taint yet. A node that the
// learner cordoned is ready; one that carries the not-ready taint is not, since pods cannot go there.
func notReady(want []cluster.Node, have []corev1.Node) []string {
	ready := map[string]bool{}
	for _, n := range have {
		ready[n.Name] = slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		}) && !slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeNotReady })
	}
	var missing []string
	for _, n := range want {
		if !ready[n.Name] {
			missing = append(missing, n.Name)
		}
	}
	return missing
}
