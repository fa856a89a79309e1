package pod

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

type removalParams struct {
	Namespace string `yaml:"namespace,omitempty" doc:"Namespace of the pods; none means every one." ja:"Pod の Namespace。書かなければすべて。"`
	Node      string `yaml:"node" doc:"Node that was emptied." ja:"空にしたノード。"`
	AtLeast   int    `yaml:"atLeast,omitempty" doc:"How many pods must have been evicted from the node; none means that removals by controllers will do." ja:"ノードから退避されていなければならない Pod の数。書かなければ、コントローラーによる削除だけでもよい。"`
}

func (p removalParams) Validate() error {
	if p.AtLeast < 0 {
		return fmt.Errorf("atLeast: %d is less than nothing; write 1 or more, or leave it out", p.AtLeast)
	}
	return nil
}

func evictedNotDeleted() checks.Definition {
	return checks.Define("pod/evicted-not-deleted", checks.Doc{
		Summary: text.New("Pods left a node by eviction, and nobody deleted them by hand.",
			"Pod が退避 (eviction) によってノードを離れ、人の手で削除されていない。"),
		Pass: text.New("Each pod of the node that is gone was evicted or removed by a controller, whether it was there at the start or came later. Pods of DaemonSets do not count.",
			"ノードからなくなった Pod が、開始時からあったものも後から来たものも、すべて退避されたかコントローラーに取り除かれた。DaemonSet の Pod は数えない。"),
		Fail: text.New("A person deleted such a pod, alone, as one of a collection, or with drain's --disable-eviction, and the failure says who, when, and whether by force; or fewer were evicted than atLeast.",
			"人がその Pod を、単独で、まとめて、または drain の --disable-eviction で削除した (誰がいつ、強制かどうかを示す)。または退避された Pod が atLeast より少ない。"),
	}, judgeRemovals).Needing(checks.AuditLog)
}

func judgeRemovals(ctx context.Context, env checks.Env, p removalParams) (checks.Result, error) {
	requests, err := env.AuditLog.Requests(ctx, history.Query{Since: env.Since, Resource: "pods", Namespace: p.Namespace, Succeeded: true})
	if err != nil {
		return checks.Result{}, fmt.Errorf("looking up how pods left node %s: %w", p.Node, err)
	}
	story, err := newOccupancy(ctx, env, p)
	if err != nil {
		return checks.Result{}, err
	}
	for _, r := range requests {
		story.follow(r)
	}
	object := "node/" + p.Node
	if len(story.deletions) > 0 {
		first := story.deletions[0]
		return checks.Fail("pod/"+first.pod.Name,
			text.New("pods leave node %s by eviction only", "Pod が退避だけでノード %s を離れること", p.Node),
			story.deletionsSaid(),
			text.New("A deletion does not ask the PodDisruptionBudget. It always succeeds, even where it takes the last healthy pod.",
				"削除は PodDisruptionBudget に確認しません。最後の健全な Pod であっても、必ず成功してしまいます。")).
			Because(kube.AuditLine(first.by)), nil
	}
	unexplained, err := story.unexplained(ctx, env, p.Namespace)
	if err != nil {
		return checks.Result{}, err
	}
	if len(unexplained) > 0 {
		return checks.Result{}, fmt.Errorf("pods %s are gone, and the audit log does not say how", strings.Join(unexplained, ", "))
	}
	evicted, others := story.count()
	if len(story.evictions) < p.AtLeast {
		return checks.Fail(object,
			text.New("at least %d pods left node %s by eviction", "少なくとも %d 個の Pod が退避によってノード %s を離れること", p.AtLeast, p.Node),
			text.New("%d were evicted; of the pods that were there at the start, controllers removed %d",
				"退避された Pod は %d 個です。開始時にあった Pod のうち %d 個はコントローラーに取り除かれました", len(story.evictions), others),
			text.New("A rollout, a scale-down or a NoExecute taint empties a node without asking the PodDisruptionBudget. Only an eviction asks.",
				"ロールアウトも縮小も NoExecute の taint も、PodDisruptionBudget に確認せずにノードを空にします。確認するのは退避だけです。")), nil
	}
	return checks.Pass(object, text.New("%d evicted, %d removed by controllers", "退避 %d 個、コントローラーによる削除 %d 個", evicted, others)), nil
}

// deletion of a pod by a person.
type deletion struct {
	pod types.NamespacedName
	by  history.Request
}

// occupancy retells which pods were on a node, from the starting state and the bindings since.
type occupancy struct {
	node string
	// on maps a pod to its node.
	on map[types.NamespacedName]string
	// daemons are the pods of DaemonSets of the starting state, daemonSets the names of all DaemonSets by namespace.
	daemons    map[types.NamespacedName]bool
	daemonSets []types.NamespacedName
	// recorded are the pods that the record of the cluster has seen.
	recorded map[types.NamespacedName]recordedPod
	// first are the pods that were on the node at the start, and removal is the first request that removed each pod.
	first     []corev1.Pod
	removal   map[types.NamespacedName]history.Request
	deletions []deletion
	// evictions are the pods that were evicted from the node, whether they were there at the start or came later.
	evictions map[types.NamespacedName]bool
}

func newOccupancy(ctx context.Context, env checks.Env, p removalParams) (*occupancy, error) {
	o := &occupancy{
		node: p.Node, on: map[types.NamespacedName]string{}, daemons: map[types.NamespacedName]bool{}, recorded: recordedPods(ctx, env),
		removal: map[types.NamespacedName]history.Request{}, evictions: map[types.NamespacedName]bool{},
	}
	pods, err := kube.BaselinePods(env.Baseline)
	if err != nil {
		return nil, err
	}
	for i := range pods {
		pod, name := &pods[i], nameOf(&pods[i])
		if p.Namespace != "" && pod.Namespace != p.Namespace {
			continue
		}
		o.on[name] = pod.Spec.NodeName
		o.daemons[name] = kube.IsDaemon(metav1.GetControllerOf(pod)) || kube.IsMirror(pod)
		if pod.Spec.NodeName == p.Node && !o.daemons[name] && !kube.IsFinished(pod) {
			o.first = append(o.first, *pod)
		}
	}
	sets, err := env.Client.AppsV1().DaemonSets(p.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing DaemonSets: %w", err)
	}
	for _, set := range sets.Items {
		o.daemonSets = append(o.daemonSets, types.NamespacedName{Namespace: set.Namespace, Name: set.Name})
	}
	for _, set := range env.Baseline.Objects(schema.GroupKind{Group: "apps", Kind: "DaemonSet"}) {
		o.daemonSets = append(o.daemonSets, types.NamespacedName{Namespace: set.GetNamespace(), Name: set.GetName()})
	}
	return o, nil
}

// recordedPod is what the record of the cluster tells of a pod and the audit log does not.
type recordedPod struct {
	node   string
	daemon bool
}

// recordedPods returns nothing where the cluster keeps no record; names and bindings then have to do.
func recordedPods(ctx context.Context, env checks.Env) map[types.NamespacedName]recordedPod {
	timeline, err := env.Timeline(ctx)
	if err != nil {
		return nil
	}
	pods := map[types.NamespacedName]recordedPod{}
	for i := range timeline.Records {
		if r := &timeline.Records[i]; r.Pod != nil {
			pods[types.NamespacedName{Namespace: r.Namespace, Name: r.Name}] = recordedPod{r.Pod.Node, r.IsDaemon() || r.Pod.Mirror}
		}
	}
	return pods
}

// isOn reports whether the pod is on the node. A pod that was made there, past the scheduler, has no binding.
func (o *occupancy) isOn(pod types.NamespacedName) bool {
	if node, known := o.on[pod]; known {
		return node == o.node
	}
	return o.recorded[pod].node == o.node
}

func nameOf(pod *corev1.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
}

// follow takes the next request that succeeded.
func (o *occupancy) follow(r history.Request) {
	pod := types.NamespacedName{Namespace: r.Namespace, Name: r.Name}
	switch {
	case r.Verb == "create" && r.Subresource == "binding":
		o.on[pod] = r.Node
	case r.Verb == "create" && r.Subresource == "eviction":
		o.removed(pod, r)
		if o.isOn(pod) && !o.isDaemon(pod) {
			o.evictions[pod] = true
		}
	case r.Verb == "delete" && r.Subresource == "":
		o.wasDeleted(pod, r)
	case r.Verb == "deletecollection" && r.Subresource == "":
		for _, name := range o.in(r.Namespace) {
			o.wasDeleted(name, r)
		}
	}
}

// in returns the pods of a namespace, or of all where it is empty, in a steady order.
func (o *occupancy) in(namespace string) []types.NamespacedName {
	var names []types.NamespacedName
	for name := range o.on {
		if namespace == "" || name.Namespace == namespace {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	return names
}

// wasDeleted is also called for the deletion by which a kubelet removes an evicted pod that has stopped.
func (o *occupancy) wasDeleted(pod types.NamespacedName, r history.Request) {
	o.removed(pod, r)
	if history.IsPerson(r.User) {
		if o.isOn(pod) && !o.isDaemon(pod) {
			o.deletions = append(o.deletions, deletion{pod: pod, by: r})
		}
		return // it may be terminating still
	}
	delete(o.on, pod)
}

// removed remembers the first removal: it decides how the pod left.
func (o *occupancy) removed(pod types.NamespacedName, r history.Request) {
	if _, known := o.removal[pod]; !known {
		o.removal[pod] = r
	}
}

// isDaemon recognizes pods that came later by the record of the cluster or, if there is none, by their names: the name
// of a DaemonSet and five letters behind it.
func (o *occupancy) isDaemon(pod types.NamespacedName) bool {
	if o.daemons[pod] {
		return true
	}
	if seen, ok := o.recorded[pod]; ok {
		return seen.daemon
	}
	return slices.ContainsFunc(o.daemonSets, func(set types.NamespacedName) bool {
		suffix, ok := strings.CutPrefix(pod.Name, set.Name+"-")
		return ok && set.Namespace == pod.Namespace && len(suffix) == 5 && !strings.Contains(suffix, "-")
	})
}

func (o *occupancy) deletionsSaid() text.Text {
	var said []text.Text
	var told []types.NamespacedName
	for _, d := range o.deletions {
		if slices.Contains(told, d.pod) || len(said) == checks.MostListed {
			continue
		}
		told = append(told, d.pod)
		if d.by.Verb == "deletecollection" {
			said = append(said, text.New("%s deleted all pods of namespace %s at %s, among them %s",
				"%s が %[3]s に Namespace %[2]s の Pod をまとめて削除し、その中に %[4]s が含まれていました", kube.Who(d.by), d.pod.Namespace, kube.Clock(d.by.Time), d.pod.Name))
			continue
		}
		said = append(said, deletionSaid(d))
	}
	return text.Sentences(said)
}

// deletionSaid says who deleted the pod and when, and whether by force.
func deletionSaid(d deletion) text.Text {
	if d.by.Grace != nil && *d.by.Grace == 0 {
		return text.New("%s deleted pod %s/%s at %s by force, without waiting for it to stop", "%s が %[4]s に Pod %[2]s/%[3]s を、終了を待たずに強制削除しました",
			kube.Who(d.by), d.pod.Namespace, d.pod.Name, kube.Clock(d.by.Time))
	}
	return text.New("%s deleted pod %s/%s at %s", "%s が %[4]s に Pod %[2]s/%[3]s を削除しました", kube.Who(d.by), d.pod.Namespace, d.pod.Name, kube.Clock(d.by.Time))
}

// unexplained names the pods of the start that have gone without a request that explains it.
func (o *occupancy) unexplained(ctx context.Context, env checks.Env, namespace string) ([]string, error) {
	now, err := kube.ListPods(ctx, env, namespace, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range o.first {
		first := &o.first[i]
		stays := slices.ContainsFunc(now, func(pod corev1.Pod) bool { return pod.UID == first.UID && !kube.IsTerminating(&pod) })
		if _, known := o.removal[nameOf(first)]; !known && !stays {
			names = append(names, first.Namespace+"/"+first.Name)
		}
	}
	return names, nil
}

// count returns how many of the pods of the start were evicted, and how many were removed otherwise.
func (o *occupancy) count() (evicted, others int) {
	for i := range o.first {
		r, known := o.removal[nameOf(&o.first[i])]
		switch {
		case !known:
		case r.Subresource == "eviction":
			evicted++
		default:
			others++
		}
	}
	return evicted, others
}
