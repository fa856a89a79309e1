package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

type atOnceParams struct {
	Nodes  []string `yaml:"nodes,omitempty" doc:"Names of the nodes; none means all." ja:"ノードの名前。書かなければすべてのノード。"`
	AtMost int      `yaml:"atMost" doc:"How many of them may have been out of service at the same time; 1 or more." ja:"同時にサービスから外れていてよいノードの数。1 以上。"`
}

func (p atOnceParams) Validate() error {
	if p.AtMost < 1 {
		return errors.New("atMost: with none at all no node can be worked on; write 1 or more")
	}
	return nil
}

func oneAtATime() checks.Definition {
	return checks.Define("node/one-at-a-time", checks.Doc{
		Summary: text.New("Not too many nodes were out of service at the same time.",
			"同時にサービスから外れたノードが多すぎなかった。"),
		Pass: text.New("At no moment of the step were more of the nodes unschedulable or not ready than allowed.",
			"ステップのどの時点でも、cordon されているか Ready でないノードの数が上限を超えていない。"),
		Fail: text.New("There was such a moment; the failure says when, and which nodes they were.", "超えた時点がある。いつ、どのノードだったかを示す。"),
	}, judgeAtOnce).Needing(checks.History)
}

func judgeAtOnce(ctx context.Context, env checks.Env, p atOnceParams) (checks.Result, error) {
	timeline, err := env.Timeline(ctx)
	if err != nil {
		return checks.Result{}, fmt.Errorf("looking up which nodes were out of service: %w", err)
	}
	most, err := timeline.MostAtOnce("Node", func(r *history.Record) bool {
		return (len(p.Nodes) == 0 || slices.Contains(p.Nodes, r.Name)) && outOfService(r)
	})
	var names []string
	for _, r := range most.Objects {
		names = append(names, r.Name)
	}
	if len(names) > p.AtMost {
		return checks.Fail("node/"+names[len(names)-1],
			text.New("no more than %d nodes are cordoned or not ready at the same time", "同時に cordon されているか Ready でないノードが %d 個までであること", p.AtMost),
			text.New("at %s it was %d: %s", "%s の時点で %d 個でした: %s", kube.Clock(most.At), len(names), strings.Join(names, ", ")),
			text.New("What the nodes that are left can carry is planned for. With one more away, evicted pods find no place, and budgets begin to block.",
				"残りのノードで支えられる量には限りがあります。1 つ余計に外れると、退避した Pod の行き場がなくなり、PodDisruptionBudget が退避を止め始めます。")), nil
	}
	if err != nil {
		return checks.Result{}, err
	}
	return checks.Pass("", text.New("at most %d at the same time", "同時に外れていたのは最大 %d 個です", len(names))), nil
}

func outOfService(r *history.Record) bool {
	return r.Node.Unschedulable || r.Node.Ready != "True"
}
