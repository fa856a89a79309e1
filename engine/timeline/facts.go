package timeline

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

// explains is how soon after a request a change must be seen to be what the request asked for.
const explains = 3 * time.Second

// ownNamespace holds the cluster's own pods, if the cluster has some. They are no part of a learner's story.
const ownNamespace = "kube-system"

// facts tells what became of the cluster.
type facts struct {
	*telling
	// last holds the last record of each object, by UID; owners holds the owner of each ReplicaSet, by namespace and
	// name.
	last   map[string]*history.Record
	owners map[string]string
}

func newFacts(t *telling) *facts {
	return &facts{telling: t, last: map[string]*history.Record{}, owners: map[string]string{}}
}

// follow takes the next record.
func (f *facts) follow(r *history.Record) {
	before := f.last[r.UID]
	f.last[r.UID] = r
	if r.Kind == "ReplicaSet" && r.Owner != "" {
		f.owners[r.Namespace+"/"+r.Name] = r.Owner
	}
	if r.Time.Before(f.from.Record.Since) || f.making(r.Time) || r.Namespace == ownNamespace {
		return
	}
	switch {
	case r.Node != nil:
		f.node(before, r)
	case r.Pod != nil:
		f.pod(before, r)
	case r.Workload != nil && r.Kind != "ReplicaSet":
		f.workload(before, r)
	case r.Budget != nil:
		f.budget(before, r)
	}
}

// fact adds an entry that stands for this record alone.
func (f *facts) fact(r *history.Record, what string, said text.Text) {
	f.add(Entry{Time: r.Time, By: Cluster, What: what, Objects: []string{nameOf(r)}, Text: said})
}

func nameOf(r *history.Record) string { return strings.ToLower(r.Kind) + "/" + r.Name }

func (f *facts) node(before, r *history.Record) {
	name := nameOf(r)
	switch {
	case r.Event == history.Deleted:
		f.fact(r, "node-gone", text.New("%s is no longer part of the cluster", "%s がクラスターからなくなりました", name))
		return
	case before == nil:
		f.fact(r, "node-added", text.New("%s has joined the cluster", "%s がクラスターに加わりました", name))
		return
	}
	was, is := before.Node, r.Node
	switch {
	case was.Ready == is.Ready:
	case is.Ready == "True":
		f.fact(r, "node-ready", text.New("%s is Ready", "%s が Ready になりました", name))
	case is.Ready == "Unknown":
		f.fact(r, "node-lost", text.New("%s is NotReady: its kubelet sends no heartbeats", "%s が NotReady になりました。kubelet からハートビートが届きません", name))
	default:
		f.fact(r, "node-not-ready", text.New("%s is NotReady", "%s が NotReady になりました", name))
	}
	if was.Boot != is.Boot && was.Boot != "" {
		f.fact(r, "node-rebooted", text.New("%s has rebooted", "%s が再起動しました", name))
	}
	if was.Kubelet != is.Kubelet && was.Kubelet != "" {
		f.fact(r, "node-upgraded", text.New("the kubelet of %s is now %s (was %s)", "%s の kubelet が %s になりました (前は %s)", name, is.Kubelet, was.Kubelet))
	}
	if was.Unschedulable != is.Unschedulable && !f.asked(r, "nodes") {
		if is.Unschedulable {
			f.fact(r, "cordoned", text.New("%s was cordoned", "%s が cordon されました", name))
		} else {
			f.fact(r, "uncordoned", text.New("%s was uncordoned", "%s の cordon が解除されました", name))
		}
	}
}

// asked reports whether a person has just asked for the change, so that there is an entry about it already.
func (f *facts) asked(r *history.Record, resource string) bool {
	for i := len(f.from.Requests) - 1; i >= 0; i-- {
		q := &f.from.Requests[i]
		if q.Resource == resource && q.Name == r.Name && q.Namespace == r.Namespace && history.IsPerson(q.User) &&
			!q.Time.After(r.Time) && r.Time.Sub(q.Time) < explains {
			return true
		}
	}
	return false
}

func (f *facts) workload(before, r *history.Record) {
	if before == nil || r.Event == history.Deleted {
		return // whoever made or deleted it has an entry
	}
	if was, is := before.Workload.Wanted, r.Workload.Wanted; was != is && r.Kind != "DaemonSet" && !f.asked(r, strings.ToLower(r.Kind)+"s") {
		f.fact(r, "scaled", text.New("%s was scaled %d → %d", "%s のレプリカ数が %d → %d になりました", nameOf(r), was, is))
	}
	f.number(r, "available", before.Workload.Available, r.Workload.Available, "%s: %s available", "%s: 利用可能 %s")
}

func (f *facts) budget(before, r *history.Record) {
	if before != nil && r.Event != history.Deleted {
		f.number(r, "disruptions-allowed", before.Budget.Allowed, r.Budget.Allowed, "%s: %s disruptions allowed", "%s: 許される中断 %s")
	}
}

// number tells, in one entry, how a number of an object went up and down.
func (f *facts) number(r *history.Record, what string, was, is int32, en, ja string) {
	if was == is {
		return
	}
	g := f.join(what+" "+r.UID, Entry{Time: r.Time, By: Cluster, What: what, Objects: []string{nameOf(r)}})
	if len(g.values) == 0 {
		g.values = []int32{was}
	}
	g.values = append(g.values, is)
	course := courseOf(g.values)
	g.entry.Text = text.New(en, ja, nameOf(r), course)
}

// courseOf shows the turning points of a number; if there are many, only the first and the last, and the range between.
func courseOf(values []int32) string {
	turns := values[:1:1]
	for i := 1; i < len(values); i++ {
		if n := len(turns); n > 1 && (turns[n-1] > turns[n-2]) == (values[i] > turns[n-1]) {
			turns[n-1] = values[i]
			continue
		}
		turns = append(turns, values[i])
	}
	const mostTurns = 4
	if len(turns) > mostTurns {
		return fmt.Sprintf("%d → %d–%d → %d", turns[0], slices.Min(turns), slices.Max(turns), turns[len(turns)-1])
	}
	var said []string
	for _, v := range turns {
		said = append(said, fmt.Sprint(v))
	}
	return strings.Join(said, " → ")
}

// comings counts the pods of one owner that were made, became ready, and went.
type comings struct{ made, ready, gone int }

func (f *facts) pod(before, r *history.Record) {
	f.ends(before, r)
	if before != nil && r.Pod.Disruption != before.Pod.Disruption {
		f.disruption(r)
	}
	if before != nil && r.Pod.Waiting != before.Pod.Waiting && isTrouble(r.Pod.Waiting) {
		g := f.join(r.Pod.Waiting+" "+f.owner(r), Entry{Time: r.Time, By: Cluster, What: "waiting", Objects: []string{nameOf(r)}})
		list := names(g.objects)
		g.entry.Text = text.Text{EN: list.EN + " does not start: " + r.Pod.Waiting, JA: list.JA + " が起動できません: " + r.Pod.Waiting}
	}
	var c comings
	switch {
	case r.Event == history.Deleted:
		c.gone = 1
	case before == nil:
		c.made = 1
		fallthrough
	case !before.Pod.Ready:
		if r.Pod.Ready {
			c.ready = 1
		}
	}
	if c == (comings{}) {
		return
	}
	owner := f.owner(r)
	g := f.join("pods "+owner, Entry{Time: r.Time, By: Cluster, What: "pods", Objects: []string{owner}})
	if sum, ok := g.state.(comings); ok {
		c = comings{sum.made + c.made, sum.ready + c.ready, sum.gone + c.gone}
	}
	g.state = c
	g.entry.Text = c.said(owner, r.Owner == "")
}

func (c comings) said(owner string, single bool) text.Text {
	var en, ja []string
	add := func(n int, enWord, jaWord string) {
		switch {
		case n == 0:
		case single:
			en, ja = append(en, enWord), append(ja, jaWord)
		case n == 1:
			en, ja = append(en, "1 pod "+enWord), append(ja, jaWord+" 1 個")
		default:
			en, ja = append(en, fmt.Sprintf("%d pods %s", n, enWord)), append(ja, fmt.Sprintf("%s %d 個", jaWord, n))
		}
	}
	add(c.gone, "gone", "終了")
	add(c.made, "made", "作成")
	add(c.ready, "ready", "準備完了")
	of := "Pod の"
	if single {
		of = ""
	}
	return text.Text{EN: owner + ": " + strings.Join(en, ", "), JA: owner + ": " + of + strings.Join(ja, "、")}
}

// owner names what a person would say the pod belongs to: the Deployment, for example, and not its ReplicaSet.
func (f *facts) owner(r *history.Record) string {
	kind, name, ok := strings.Cut(r.Owner, "/")
	if !ok {
		return nameOf(r)
	}
	if above := f.owners[r.Namespace+"/"+name]; kind == "ReplicaSet" && above != "" {
		kind, name, _ = strings.Cut(above, "/")
	}
	return strings.ToLower(kind) + "/" + name
}

// ends tells of containers that ended badly.
func (f *facts) ends(before, r *history.Record) {
	for _, name := range slices.Sorted(maps.Keys(r.Pod.Exits)) {
		code := r.Pod.Exits[name]
		if code == 0 {
			continue
		}
		if before != nil {
			if was, known := before.Pod.Exits[name]; known && was == code && before.Pod.Restarts == r.Pod.Restarts {
				continue
			}
			if before.Pod.Restarts < r.Pod.Restarts && before.Pod.Exits[name] == code {
				continue // the record of the restart repeats the exit code
			}
		}
		g := f.join(fmt.Sprint("exit ", r.UID, name, code), Entry{Time: r.Time, By: Cluster, What: "container-ended", Objects: []string{nameOf(r)}})
		g.entry.Text = endSaid(r, name, code)
		if g.count > 1 {
			g.entry.Text.EN += fmt.Sprintf(" (%d times)", g.count)
			g.entry.Text.JA += fmt.Sprintf(" (%d 回)", g.count)
		}
	}
}

func endSaid(r *history.Record, container string, code int32) text.Text {
	switch code {
	case 137:
		return text.New("container %s of %s was killed with SIGKILL (exit code 137)", "%[2]s のコンテナー %[1]s が SIGKILL で強制終了されました (終了コード 137)", container, nameOf(r))
	case 143:
		return text.New("container %s of %s ended on SIGTERM (exit code 143)", "%[2]s のコンテナー %[1]s が SIGTERM で終了しました (終了コード 143)", container, nameOf(r))
	}
	return text.New("container %s of %s ended with exit code %d", "%[2]s のコンテナー %[1]s が終了コード %[3]d で終了しました", container, nameOf(r), code)
}

// disruption tells why a pod that nobody evicted has to go.
func (f *facts) disruption(r *history.Record) {
	reasons := map[string]text.Text{
		"DeletionByTaintManager":       text.New("has to leave %s because of a taint", "が taint のため %s を離れます", "node/"+r.Pod.Node),
		"DeletionByPodGC":              text.New("is cleaned up", "が後始末されます"),
		"PreemptionByScheduler":        text.New("makes room for a pod of higher priority", "が優先度の高い Pod に場所を譲ります"),
		"TerminationByKubelet":         text.New("is ended by the kubelet", "が kubelet によって終了されます"),
		"EvictionByEvictionAPI":        {},
		"DeletionByDeviceTaintManager": text.New("has to leave because of a device taint", "がデバイスの taint のため離れます"),
	}
	reason := reasons[r.Pod.Disruption]
	if reason.IsZero() {
		return
	}
	g := f.join(r.Pod.Disruption+r.Pod.Node, Entry{Time: r.Time, By: Cluster, What: "disrupted", Objects: []string{nameOf(r)}})
	list := names(g.objects)
	if len(g.objects) > 1 {
		reason.EN = strings.Replace(strings.Replace(strings.Replace(reason.EN, "has ", "have ", 1), "is ", "are ", 1), "makes ", "make ", 1)
	}
	g.entry.Text = text.Text{EN: list.EN + " " + reason.EN, JA: list.JA + " " + reason.JA}
}

// isTrouble reports whether a pod waits in vain. Every pod waits for some reasons for a moment; they are not trouble.
func isTrouble(reason string) bool {
	switch reason {
	case "", "ContainerCreating", "PodInitializing":
		return false
	}
	return true
}
