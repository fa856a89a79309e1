package workload

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

func spreadConstraint() checks.Definition {
	return checks.Define("workload/zone-constraint", checks.Doc{
		Summary: text.New("A workload demands to be spread evenly over the zones.", "ワークロードが、ゾーンに均等に分散することを要求している。"),
		Pass: text.New("Its pod template has a topologySpreadConstraint on topology.kubernetes.io/zone with DoNotSchedule and maxSkew 1, and the selector counts the workload's own pods.",
			"Pod テンプレートに topology.kubernetes.io/zone の topologySpreadConstraint があり、DoNotSchedule かつ maxSkew 1 で、セレクターがワークロード自身の Pod に一致する。"),
		Fail: text.New("There is none, it is only a wish (ScheduleAnyway), it allows a greater skew, or it counts other pods.",
			"制約がない、希望にすぎない (ScheduleAnyway)、より大きな偏りを許している、または別の Pod を数えている。"),
	}, func(ctx context.Context, env checks.Env, p scaledParams) (checks.Result, error) {
		object := kube.Workload(p).Object()
		want := text.New("%s in namespace %s must be spread over the zones, with a skew of 1 at most", "%s (Namespace %s) がゾーンに必ず分散され、偏りが 1 以下であること", object, p.Namespace)
		why := text.New("Only what a pod demands is respected when the cluster is short of room, and that is when a zone has failed.",
			"クラスターに余裕がないときに守られるのは要求だけです。ゾーンが落ちるのは、まさにそういうときです。")
		template, err := templateOf(ctx, env, kube.Workload(p))
		if err != nil {
			return checks.Result{}, err
		}
		if template == nil {
			return checks.Fail(object, want, kube.Deleted(object), why), nil
		}
		var faults []text.Text
		for _, c := range template.Spec.TopologySpreadConstraints {
			if c.TopologyKey != corev1.LabelTopologyZone {
				continue
			}
			fault, err := constraintFault(c, template)
			if err != nil {
				return checks.Result{}, fmt.Errorf("reading the constraints of %s: %w", object, err)
			}
			if fault.IsZero() {
				return checks.Pass(object, text.Text{}), nil
			}
			faults = append(faults, fault)
		}
		if len(faults) == 0 {
			return checks.Fail(object, want, text.New("its pod template has no topologySpreadConstraint on %s",
				"Pod テンプレートに %s の topologySpreadConstraint がありません", corev1.LabelTopologyZone), why), nil
		}
		return checks.Fail(object, want, text.Sentences(faults), why), nil
	})
}

// constraintFault says why the constraint does not keep the pods of the template spread. What matchLabelKeys add to the
// selector always matches the pod itself (KEP-3243).
func constraintFault(c corev1.TopologySpreadConstraint, template *corev1.PodTemplateSpec) (text.Text, error) {
	selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
	switch {
	case err != nil:
		return text.Text{}, err
	case c.WhenUnsatisfiable != corev1.DoNotSchedule:
		return text.New("whenUnsatisfiable is %s: the scheduler may disregard it", "whenUnsatisfiable が %s なので、スケジューラーは無視してかまいません", c.WhenUnsatisfiable), nil
	case !selector.Matches(labels.Set(template.Labels)):
		return text.New("its labelSelector (%s) does not match the pods of the template (%s), so it counts none of them",
			"labelSelector (%s) がテンプレートの Pod (%s) に一致せず、1 つも数えられません",
			metav1.FormatLabelSelector(c.LabelSelector), labels.Set(template.Labels)), nil
	case c.MaxSkew > 1:
		return text.New("maxSkew is %d", "maxSkew が %d です", c.MaxSkew), nil
	}
	return text.Text{}, nil
}

type spreadParams struct {
	Kind      string `yaml:"kind" doc:"Deployment or StatefulSet." ja:"Deployment または StatefulSet。"`
	Namespace string `yaml:"namespace" doc:"Namespace of the workload." ja:"ワークロードの Namespace。"`
	Name      string `yaml:"name" doc:"Name of the workload." ja:"ワークロードの名前。"`
	Survivors int    `yaml:"survivors" doc:"How many ready pods must be left whichever zone fails; 1 or more." ja:"どのゾーンが失われても残らなければならない、準備完了の Pod の数。1 以上。"`
}

func (p spreadParams) Validate() error {
	if p.Survivors < 1 {
		return fmt.Errorf("survivors: %d asks for nothing; write 1 or more", p.Survivors)
	}
	return kube.OneOf(p.Kind, "Deployment", "StatefulSet")
}

func spreadOverZones() checks.Definition {
	return checks.Define("workload/survives-zone", checks.Doc{
		Summary: text.New("The pods of a workload are spread evenly over all zones of the cluster.", "ワークロードの Pod が、クラスターのすべてのゾーンに均等に分散している。"),
		Pass: text.New("No zone has more than one ready pod above any other, and enough are left whichever zone fails.",
			"準備完了の Pod の数がどの 2 つのゾーンでも 1 つまでしか違わず、どのゾーンが失われても十分な数が残る。"),
		Fail: text.New("A zone has too many or none; the failure counts them. A rollout that is under way is waited for.",
			"多すぎるゾーンや空のゾーンがある。ゾーンごとの数を示す。進行中のロールアウトは待つ。"),
	}, judgeSpread)
}

func judgeSpread(ctx context.Context, env checks.Env, p spreadParams) (checks.Result, error) {
	w := kube.Workload{Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}
	object := w.Object()
	want := text.New("the pods of %s are spread evenly over the zones, and %d are left whichever zone fails",
		"%s の Pod がゾーンに均等に分散し、どのゾーンが失われても %d 個残ること", object, p.Survivors)
	why := text.New("The scheduler places a pod once and never moves it again. What landed in one zone stays there, and goes with it.",
		"スケジューラーが Pod を置くのは一度だけで、後から動かすことはありません。1 つのゾーンに集まった Pod は集まったままで、そのゾーンとともに失われます。")
	r, err := readRollout(ctx, env, w)
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading %s: %w", object, err)
	}
	zones, err := zonesOf(ctx, env)
	if err != nil {
		return checks.Result{}, err
	}
	selector, err := metav1.LabelSelectorAsSelector(r.selector)
	if err != nil {
		return checks.Result{}, fmt.Errorf("reading the selector of %s: %w", object, err)
	}
	pods, err := kube.ListPods(ctx, env, p.Namespace, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return checks.Result{}, err
	}
	counts := map[string]int{}
	for _, zone := range zones {
		counts[zone] += 0
	}
	ready, leaving := 0, ""
	for i := range pods {
		switch pod := &pods[i]; {
		case kube.IsTerminating(pod):
			leaving = "termination of " + kube.PodName(pod)
		case kube.IsReady(pod):
			ready++
			counts[zones[pod.Spec.NodeName]]++
		}
	}
	most := slices.Max(slices.Collect(maps.Values(counts)))
	least := slices.Min(slices.Collect(maps.Values(counts)))
	if most-least <= 1 && ready-most >= p.Survivors {
		return checks.Pass(object, inZones(counts)), nil
	}
	result := checks.Fail(object, want, inZones(counts), why)
	if r.observed < r.generation || !r.complete() {
		leaving = "the rollout of " + object
	}
	return result.WaitingFor(leaving), nil
}

// zonesOf returns the zone of each node that has one.
func zonesOf(ctx context.Context, env checks.Env) (map[string]string, error) {
	nodes, err := env.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: corev1.LabelTopologyZone})
	if err != nil {
		return nil, fmt.Errorf("listing nodes: %w", err)
	}
	if len(nodes.Items) == 0 {
		return nil, fmt.Errorf("no node has the label %s", corev1.LabelTopologyZone)
	}
	zones := map[string]string{}
	for i := range nodes.Items {
		zones[nodes.Items[i].Name] = nodes.Items[i].Labels[corev1.LabelTopologyZone]
	}
	return zones, nil
}

func inZones(counts map[string]int) text.Text {
	var said []string
	for _, zone := range slices.Sorted(maps.Keys(counts)) {
		said = append(said, fmt.Sprintf("%s: %d", zone, counts[zone]))
	}
	return text.New("ready pods by zone: %s", "ゾーンごとの準備完了の Pod は %s です", strings.Join(said, ", "))
}
