package workload

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type secondsParams struct {
	Kind      string `yaml:"kind" doc:"Deployment or StatefulSet." ja:"Deployment または StatefulSet。"`
	Namespace string `yaml:"namespace" doc:"Namespace of the workload." ja:"ワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the workload." ja:"ワークロードの名前。"`
	AtLeast   int64  `yaml:"atLeast" doc:"How many seconds it must be; 1 or more." ja:"必要な秒数。1 以上。"`
}

func (p secondsParams) Validate() error {
	if p.AtLeast < 1 {
		return fmt.Errorf("atLeast: %d asks for nothing; write 1 or more seconds", p.AtLeast)
	}
	return kube.OneOf(p.Kind, "Deployment", "StatefulSet")
}

func (p secondsParams) workload() kube.Workload {
	return kube.Workload{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}
}

func terminationGrace() checks.Definition {
	return checks.Define("workload/termination-grace", checks.Doc{
		Summary: text.New("The pods of a workload are given enough time to stop.", "ワークロードの Pod に、停止のための十分な時間が与えられている。"),
		Pass: text.New("terminationGracePeriodSeconds of the pod template is long enough, and every preStop pause is shorter.",
			"Pod テンプレートの terminationGracePeriodSeconds が十分に長く、どの preStop の待ち時間よりも長い。"),
		Fail: text.New("It is shorter, a preStop pause uses it up, or the workload was deleted. Where nothing is written it is 30 seconds.",
			"短い、preStop の待ち時間で使い切られる、またはワークロードが削除された。書かれていなければ 30 秒である。"),
	}, func(ctx context.Context, env checks.Env, p secondsParams) (checks.Result, error) {
		object := p.workload().Object()
		want := text.New("the pods of %s have %d seconds or more to stop", "%s の Pod に、停止のための時間が %d 秒以上あること", object, p.AtLeast)
		why := text.New("The grace period begins with the preStop hook, not after it. When it is over, SIGKILL ends the application in the middle of whatever it does.",
			"猶予の時間は preStop フックと同時に始まります。フックが終わってからではありません。使い切ると、アプリは仕事の途中でも SIGKILL で終わらされます。")
		template, err := templateOf(ctx, env, p.workload())
		if err != nil {
			return checks.Result{}, err
		}
		if template == nil {
			return checks.Fail(object, want, kube.Deleted(object), why), nil
		}
		grace := ptr.Deref(template.Spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
		if grace < p.AtLeast {
			return checks.Fail(object, want, text.New("terminationGracePeriodSeconds is %d", "terminationGracePeriodSeconds は %d です", grace), why), nil
		}
		for i := range template.Spec.Containers {
			if c := &template.Spec.Containers[i]; preStopPause(c) >= grace {
				return checks.Fail(object, want, text.New("the preStop hook of container %s takes %d of the %d seconds",
					"コンテナー %s の preStop フックだけで %[3]d 秒のうち %[2]d 秒かかります", c.Name, preStopPause(c), grace), why), nil
			}
		}
		return checks.Pass(object, text.New("terminationGracePeriodSeconds is %d", "terminationGracePeriodSeconds は %d です", grace)), nil
	})
}

func preStopPauses() checks.Definition {
	return checks.Define("workload/pre-stop-pause", checks.Doc{
		Summary: text.New("The containers of a workload wait a moment before they are told to stop.", "ワークロードのコンテナーが、停止を告げられる前に少し待つ。"),
		Pass: text.New("Every container has a preStop hook that sleeps long enough, by the sleep action or the command sleep.",
			"どのコンテナーにも、sleep アクションまたは sleep コマンドで十分に待つ preStop フックがある。"),
		Fail: text.New("A container has none, or a shorter one; or the workload was deleted.", "フックがない、または短いコンテナーがある。あるいはワークロードが削除された。"),
	}, func(ctx context.Context, env checks.Env, p secondsParams) (checks.Result, error) {
		object := p.workload().Object()
		want := text.New("the containers of %s pause for %d seconds or more before SIGTERM", "%s のコンテナーが SIGTERM の前に %d 秒以上待つこと", object, p.AtLeast)
		why := text.New("Requests still arrive for some seconds after a pod was told to go, because load balancers learn of it later. The pause serves them.",
			"Pod が去ると決まっても、ロードバランサーに伝わるまでの数秒間はリクエストが届きます。待つのは、それに応えるためです。")
		template, err := templateOf(ctx, env, p.workload())
		if err != nil {
			return checks.Result{}, err
		}
		if template == nil {
			return checks.Fail(object, want, kube.Deleted(object), why), nil
		}
		for i := range template.Spec.Containers {
			if c := &template.Spec.Containers[i]; preStopPause(c) < p.AtLeast {
				return checks.Fail(object, want, text.New("container %s pauses for %d seconds", "コンテナー %s が待つのは %d 秒です", c.Name, preStopPause(c)), why), nil
			}
		}
		return checks.Pass(object, text.Text{}), nil
	})
}

// preStopPause returns for how many seconds the container's preStop hook sleeps; 0 for none and for one that does
// something else.
func preStopPause(c *corev1.Container) int64 {
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return 0
	}
	hook := c.Lifecycle.PreStop
	switch {
	case hook.Sleep != nil:
		return hook.Sleep.Seconds
	case hook.Exec != nil && len(hook.Exec.Command) > 0:
		return sleepOf(hook.Exec.Command)
	}
	return 0
}

// sleepOf reads "sleep 5", also where a shell is to run it.
func sleepOf(command []string) int64 {
	words := strings.Fields(command[len(command)-1])
	if len(command) == 2 {
		words = command
	}
	if len(words) != 2 || words[0] != "sleep" && words[0] != "/bin/sleep" {
		return 0
	}
	seconds, err := strconv.ParseInt(strings.TrimSuffix(words[1], "s"), 10, 64)
	if err != nil {
		return 0
	}
	return seconds
}
