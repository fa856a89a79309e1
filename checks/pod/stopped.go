package pod

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

// exitCodeKilled is 128 and the number of SIGKILL.
const exitCodeKilled = 137

type stoppedParams struct {
	Namespace string `yaml:"namespace" doc:"Namespace of the Deployment." ja:"Deployment の Namespace。"`
	Name      string `yaml:"name" doc:"Name of the Deployment." ja:"Deployment の名前。"`
	AtLeast   int    `yaml:"atLeast" doc:"How many pods must have been evicted; 1 or more." ja:"退避されていなければならない Pod の数。1 以上。"`
}

func (p stoppedParams) Validate() error {
	if p.AtLeast < 1 {
		return fmt.Errorf("atLeast: %d asks for nothing; write 1 or more", p.AtLeast)
	}
	return nil
}

func evictedInTime() checks.Definition {
	return checks.Define("pod/stopped-by-itself", checks.Doc{
		Summary: text.New("Pods of a Deployment's present template were evicted, and ended by themselves.",
			"Deployment の現在のテンプレートの Pod が退避され、自分で終了している。"),
		Pass: text.New("Enough of them were evicted, carried the condition DisruptionTarget, and were gone before SIGKILL; and no pod of this template was ever killed.",
			"十分な数が退避され、条件 DisruptionTarget が付き、SIGKILL の前に終了した。このテンプレートの Pod で強制終了されたものは 1 つもない。"),
		Fail: text.New("Too few were evicted, one was killed (exit code 137), or one was removed without waiting for it to stop. Pods of earlier templates do not count. A pod that is still stopping is waited for.",
			"退避された数が足りない、強制終了されたもの (終了コード 137) がある、または終了を待たずに取り除かれたものがある。以前のテンプレートの Pod は数えない。終了処理中の Pod は待つ。"),
	}, judgeStopped).Needing(checks.AuditLog)
}

// ending is how a pod of the present template left.
type ending struct {
	asked history.Request
	// evicted or otherwise deleted by a person.
	evicted bool
	// last is the kubelet's final deletion, after the containers had ended; nil if the kubelet has not got there.
	last *history.Removed
}

func judgeStopped(ctx context.Context, env checks.Env, p stoppedParams) (checks.Result, error) {
	object := "deployment/" + p.Name
	want := text.New("%d or more pods of the present template of %s are evicted, and end by themselves", "%[2]s の現在のテンプレートの Pod が %[1]d 個以上退避され、自分で終了していること", p.AtLeast, object)
	why := text.New("Whatever an application has in hand when SIGKILL comes is lost: half-written orders, open connections, locks that nobody releases.",
		"SIGKILL が来た時点でアプリが抱えていた仕事は失われます。書きかけの注文、開いたままの接続、誰も外さないロックなどです。")
	prefix, err := kube.PresentTemplate(ctx, env, p.Namespace, p.Name)
	if err != nil {
		return checks.Result{}, err
	}
	if prefix == "" {
		return checks.Fail(object, want, kube.Deleted(object), why), nil
	}
	endings, err := endingsOf(ctx, env, p.Namespace, prefix)
	if err != nil {
		return checks.Result{}, err
	}
	if killed := killedInRecord(ctx, env, p.Namespace, prefix); killed != nil {
		return checks.Fail("pod/"+killed.Name, want, podKilled(killed.Name), why).Because(kube.RecordLine(killed)), nil
	}
	good := 0
	for _, name := range slices.Sorted(maps.Keys(endings)) {
		e := endings[name]
		fault, pending, err := e.fault(ctx, env, p.Namespace, name)
		if err != nil {
			return checks.Result{}, err
		}
		if !fault.IsZero() {
			return checks.Fail("pod/"+name, want, fault, why).Because(kube.AuditLine(e.asked)).WaitingFor(pending), nil
		}
		if e.evicted {
			good++
		}
	}
	if good < p.AtLeast {
		return checks.Fail(object, want, text.New("%d were evicted and ended by themselves; pods of earlier templates do not count",
			"退避されて自分で終了したのは %d 個です。以前のテンプレートの Pod は数えません", good), why), nil
	}
	return checks.Pass(object, text.New("%d were evicted and ended by themselves", "%d 個が退避され、自分で終了しました", good)), nil
}

// endingsOf returns, by pod, how the pods with this prefix left that a person asked to go or that were killed.
func endingsOf(ctx context.Context, env checks.Env, namespace, prefix string) (map[string]*ending, error) {
	requests, err := kube.Past(ctx, env, namespace)
	if err != nil {
		return nil, err
	}
	endings := map[string]*ending{}
	for _, r := range requests {
		if !strings.HasPrefix(r.Name, prefix) || !kube.IsRemoval(r) {
			continue
		}
		e := endings[r.Name]
		switch {
		case history.IsPerson(r.User):
			if e == nil {
				e = &ending{asked: r}
				endings[r.Name] = e
			}
			e.evicted = e.evicted || r.Subresource == "eviction"
		case isKubelet(r.User) && r.Removed != nil:
			if e == nil && killed(r.Removed) {
				e = &ending{asked: r}
				endings[r.Name] = e
			}
			if e != nil {
				e.last = r.Removed
			}
		}
	}
	return endings, nil
}

func isKubelet(user string) bool {
	return strings.HasPrefix(user, "system:node:") || user == "k8slab:simulated-kubelet"
}

func killed(r *history.Removed) bool {
	return slices.Contains(slices.Collect(maps.Values(r.Exits)), exitCodeKilled)
}

func podKilled(name string) text.Text {
	return text.New("pod %s was killed with SIGKILL (exit code 137) when its grace period was over", "Pod %s は猶予の時間を使い切り、SIGKILL で強制終了されました (終了コード 137)", name)
}

// killedInRecord returns the record that shows a pod with this prefix killed since the step began, whoever removed the
// pod. Nil means that the cluster keeps no record or that the record shows no kill. The audit log alone tells of a kill
// only if a person had asked the pod to go.
func killedInRecord(ctx context.Context, env checks.Env, namespace, prefix string) *history.Record {
	timeline, err := env.Timeline(ctx)
	if err != nil {
		return nil
	}
	return timeline.Killed(func(r *history.Record) bool { return r.Namespace == namespace && strings.HasPrefix(r.Name, prefix) })
}

// fault says what was wrong with how the pod left, and what there is to wait for.
func (e *ending) fault(ctx context.Context, env checks.Env, namespace, name string) (fault text.Text, pending string, err error) {
	switch {
	case e.last != nil && killed(e.last):
		return podKilled(name), "", nil
	case e.last != nil && e.last.Running > 0:
		return text.New("pod %s was removed while its containers ran", "Pod %s はコンテナーが動いているうちに取り除かれました", name), "", nil
	case e.last != nil && e.evicted && e.last.Disruption == "":
		return text.New("pod %s left without the condition DisruptionTarget", "Pod %s には条件 DisruptionTarget が付いていません", name), "", nil
	case e.last != nil:
		return text.Text{}, "", nil
	}
	pod, err := env.Client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return text.New("pod %s was removed at once, without waiting for its containers to stop", "Pod %s は、コンテナーの終了を待たずにすぐ取り除かれました", name), "", nil
	case err != nil:
		return text.Text{}, "", fmt.Errorf("reading pod %s: %w", name, err)
	case pod.Status.Phase == corev1.PodPending:
		return text.Text{}, "", nil
	}
	return text.New("pod %s is still stopping", "Pod %s はまだ終了処理中です", name), "termination of pod/" + name, nil
}
