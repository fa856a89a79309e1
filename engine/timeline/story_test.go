package timeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/progress"
)

var start = time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC)

func at(second float64) time.Time {
	return start.Add(time.Duration(second * float64(time.Second)))
}

// attempt is what happened, to be told.
type attempt struct {
	Source
	records []history.Record
	version uint64
}

// newAttempt returns an attempt at a step whose starting state was made in the two seconds before start.
func newAttempt() *attempt {
	a := &attempt{Source: Source{Lab: "lab", Attempt: "a", Learner: "learner", Requests: []history.Request{}}}
	a.Events = []progress.Event{{Kind: progress.Started, Time: at(-5)}, {Kind: progress.Entered, Step: "drain", Began: at(-2), Time: at(0)}}
	for _, kind := range []string{"Pod", "Node", "Deployment", "ReplicaSet", "PodDisruptionBudget"} {
		a.records = append(a.records, history.Record{Time: at(-4), Event: history.Watched, Kind: kind})
	}
	return a
}

func (a *attempt) asks(second float64, verb, resource, name string, change func(*history.Request)) *attempt {
	resource, sub, _ := strings.Cut(resource, "/")
	r := history.Request{Time: at(second), User: "learner", Verb: verb, Resource: resource, Subresource: sub, Namespace: "shop", Name: name, Code: 200}
	if resource == "nodes" {
		r.Namespace = ""
	}
	if change != nil {
		change(&r)
	}
	a.Requests = append(a.Requests, r)
	return a
}

func (a *attempt) sees(second float64, event history.Event, kind, name string, change func(*history.Record)) *attempt {
	a.version++
	r := history.Record{Time: at(second), Event: event, Kind: kind, Namespace: "shop", Name: name, UID: kind + name, Version: a.version}
	change(&r)
	a.records = append(a.records, r)
	return a
}

func (a *attempt) available(second float64, event history.Event, n int32) *attempt {
	return a.sees(second, event, "Deployment", "web", func(r *history.Record) { r.Workload = &history.WorkloadFacts{Wanted: 2, Available: n} })
}

func (a *attempt) pod(second float64, event history.Event, name string, ready bool, exits map[string]int32) *attempt {
	return a.sees(second, event, "Pod", name, func(r *history.Record) {
		r.Owner, r.Pod = "ReplicaSet/web-5d9c", &history.PodFacts{Ready: ready, Node: "worker-1", Exits: exits}
	})
}

func (a *attempt) node(second float64, event history.Event, ready string, cordoned bool) *attempt {
	return a.sees(second, event, "Node", "worker-1", func(r *history.Record) {
		r.Namespace, r.Node = "", &history.NodeFacts{Ready: ready, Unschedulable: cordoned}
	})
}

// told returns the entries of the last visit in one language, without the entry that begins the visit.
func (a *attempt) told(t *testing.T, japanese bool) []string {
	t.Helper()
	a.Record = history.NewTimeline(a.records, at(-5), at(999))
	story := Tell(a.Source)
	var said []string
	for _, e := range story.Visits[len(story.Visits)-1].Entries[1:] {
		text := e.Text.EN
		if japanese {
			text = e.Text.JA
		}
		if e.Text.EN == "" || e.Text.JA == "" || strings.Contains(e.Text.EN+e.Text.JA, "%!") || e.What == "" {
			t.Errorf("%s is not well said: %q and %q", e.What, e.Text.EN, e.Text.JA)
		}
		said = append(said, fmt.Sprintf("%v %s: %s", e.Time.Sub(start), e.By, text))
	}
	return said
}

func TestAnAttemptIsToldAsItHappened(t *testing.T) {
	yes, no, zero := true, false, int64(0)
	tests := map[string]struct {
		attempt *attempt
		want    []string
	}{
		"a drain is one line for the cordon and one for the evictions": {
			newAttempt().node(-4, history.Added, "True", false).
				asks(1, "patch", "nodes", "worker-1", func(r *history.Request) { r.Cordons = &yes }).node(1.01, history.Modified, "True", true).
				asks(2, "create", "pods/eviction", "web-1", nil).asks(3, "create", "pods/eviction", "web-2", nil),
			[]string{"1s you: cordoned node/worker-1", "2s you: evicted pod/web-1, pod/web-2"}},
		"a cordon that ends": {newAttempt().asks(1, "patch", "nodes", "worker-1", func(r *history.Request) { r.Cordons = &no }),
			[]string{"1s you: uncordoned node/worker-1"}},
		"a cordon that nobody asked for": {newAttempt().node(-4, history.Added, "True", false).node(3, history.Modified, "True", true),
			[]string{"3s cluster: node/worker-1 was cordoned"}},
		"evictions that were refused": {
			newAttempt().asks(1, "create", "pods/eviction", "web-1", refuse).asks(6, "create", "pods/eviction", "web-1", refuse),
			[]string{"1s you: could not evict pod/web-1: its disruption budget did not allow it (2 times)"}},
		"a deletion by force": {newAttempt().asks(1, "delete", "pods", "web-1", func(r *history.Request) { r.Grace = &zero }),
			[]string{"1s you: deleted pod/web-1 by force"}},
		"somebody else, and as somebody else": {
			newAttempt().asks(1, "delete", "services", "web", func(r *history.Request) { r.User = "alice" }).
				asks(2, "delete", "configmaps", "web", func(r *history.Request) { r.ImpersonatedUser = "bob" }),
			[]string{"1s other: deleted service/web (alice)", "2s you: deleted configmap/web (as bob)"}},
		"scaling, by what was before": {
			newAttempt().available(-4, history.Added, 2).asks(1, "patch", "deployments/scale", "web", func(r *history.Request) { r.Left = &history.Left{Replicas: new(int32(5))} }).
				asks(2, "update", "deployments", "web", func(r *history.Request) { r.Left = &history.Left{Replicas: new(int32(1))} }),
			[]string{"1s you: scaled deployment/web 2 → 5", "2s you: scaled deployment/web 5 → 1"}},
		"a change, by what it speaks of": {
			newAttempt().asks(1, "patch", "deployments", "web", func(r *history.Request) {
				r.Fields = []string{"metadata.annotations.kubectl.kubernetes.io/last-applied-configuration", "spec.template.spec.terminationGracePeriodSeconds"}
			}).asks(2, "patch", "deployments", "web", func(r *history.Request) {
				r.Fields = []string{"spec.template.metadata.annotations.kubectl.kubernetes.io/restartedAt"}
			}),
			[]string{"1s you: changed deployment/web: terminationGracePeriodSeconds", "2s you: restarted deployment/web (rollout restart)"}},
		"dry runs, the cluster's and k8slab's own requests are left out": {
			newAttempt().asks(1, "delete", "pods", "web-1", func(r *history.Request) { r.DryRun = true }).
				asks(1, "delete", "pods", "web-1", func(r *history.Request) { r.User = "system:kube-controller-manager" }).
				asks(1, "delete", "pods", "web-1", func(r *history.Request) { r.User = "k8slab:operator" }), nil},
		"what the making of the starting state did is left out": {
			newAttempt().available(-4, history.Added, 2).available(-1, history.Modified, 0).available(-0.5, history.Modified, 2).
				asks(-1, "delete", "pods", "web-1", nil), nil},
		"a rollout is one line for its pods and one for what was available": {
			newAttempt().sees(-4, history.Added, "ReplicaSet", "web-5d9c", func(r *history.Record) { r.Owner, r.Workload = "Deployment/web", &history.WorkloadFacts{} }).
				available(-4, history.Added, 2).pod(-4, history.Added, "web-5d9c-a", true, nil).
				pod(1, history.Added, "web-5d9c-b", false, nil).pod(2, history.Modified, "web-5d9c-b", true, nil).available(2, history.Modified, 1).
				pod(3, history.Deleted, "web-5d9c-a", false, nil).available(3, history.Modified, 2),
			[]string{"1s cluster: deployment/web: 1 pod gone, 1 pod made, 1 pod ready", "2s cluster: deployment/web: 2 → 1 → 2 available"}},
		"what comes much later is another line": {
			newAttempt().available(-4, history.Added, 2).available(2, history.Modified, 1).available(90, history.Modified, 2),
			[]string{"2s cluster: deployment/web: 2 → 1 available", "1m30s cluster: deployment/web: 1 → 2 available"}},
		"what comes after the learner did something is another line": {
			newAttempt().available(-4, history.Added, 2).available(2, history.Modified, 1).asks(3, "create", "services", "x", nil).available(4, history.Modified, 2),
			[]string{"2s cluster: deployment/web: 2 → 1 available", "3s you: created service/x", "4s cluster: deployment/web: 1 → 2 available"}},
		"a kill, once": {
			newAttempt().pod(-4, history.Added, "web-5d9c-a", true, nil).pod(3, history.Modified, "web-5d9c-a", true, map[string]int32{"web": 137}).
				pod(4, history.Modified, "web-5d9c-a", true, map[string]int32{"web": 137}),
			[]string{"3s cluster: container web of pod/web-5d9c-a was killed with SIGKILL (exit code 137)"}},
		"a node that dies and comes back": {
			newAttempt().node(-4, history.Added, "True", false).node(40, history.Modified, "Unknown", false).node(70, history.Modified, "True", false),
			[]string{"40s cluster: node/worker-1 is NotReady: its kubelet sends no heartbeats", "1m10s cluster: node/worker-1 is Ready"}},
		"a gap of two kinds is told once": {
			&attempt{Source: newAttempt().Source, records: append(newAttempt().records,
				history.Record{Time: at(9), Event: history.Missing, Kind: "Pod", From: at(4)}, history.Record{Time: at(8), Event: history.Missing, Kind: "Node", From: at(5)})},
			[]string{"4s k8slab: could not watch the cluster until " + at(9).Local().Format("15:04:05")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.attempt.told(t, false); !slices.Equal(got, test.want) {
				t.Errorf("it is told as\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func refuse(r *history.Request) { r.Code = 429 }

func TestK8slabsOwnPartIsTold(t *testing.T) {
	a := newAttempt()
	a.Events = append(a.Events,
		progress.Event{Kind: progress.Checked, Time: at(1), Step: "drain", Verdicts: map[string]string{"a": "passed", "b": "failed"}},
		progress.Event{Kind: progress.Hinted, Time: at(2), Step: "drain", Level: 1, Cost: 2},
		progress.Event{Kind: progress.Switched, Step: "drain", Time: at(2), Node: "worker-4", Action: "stop"},
		progress.Event{Kind: progress.Upgraded, Step: "drain", Time: at(2), Node: "worker-1", From: "v1.36.3", To: "v1.37.2", Outcome: "upgraded", Ignored: []string{"a pod"}},
		progress.Event{Kind: progress.Upgraded, Step: "drain", Time: at(2), From: "v1.36.3", To: "v1.37.2", Outcome: "rolled-back"},
		progress.Event{Kind: progress.WasReset, Step: "drain", Began: at(3), Time: at(4)},
		progress.Event{Kind: progress.Checked, Time: at(5), Step: "drain", Passed: true, Points: 8, Verdicts: map[string]string{"a": "passed", "b": "passed"}},
		progress.Event{Kind: progress.Entered, Step: "drain", Began: at(6), Time: at(7), Snapshot: "mine", Undone: at(5)})
	story := Tell(a.Source)
	var said []string
	for _, v := range story.Visits {
		said = append(said, "-- "+v.Step)
		for _, e := range v.Entries {
			said = append(said, e.Text.EN)
		}
	}
	want := []string{"-- drain", "made the starting state of drain", "checked: 1 of 2 passed", "showed hint 1, which cost 2", "pulled the plug on node/worker-4",
		"upgraded node/worker-1 from v1.36.3 to v1.37.2, ignoring: a pod", "tried to upgrade the control plane from v1.36.3 to v1.37.2, and went back to v1.36.3",
		"-- drain", "put drain back to its starting state", "checked: all 2 passed, 8 points",
		"-- drain", "brought back the snapshot mine; what was done since " + at(5).Local().Format("15:04:05") + " is undone"}
	if !slices.Equal(said, want) {
		t.Errorf("it is told as\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
	if story.Record || !story.Requests {
		t.Errorf("the story has a record: %v, and requests: %v; want requests only", story.Record, story.Requests)
	}
}

func TestANumberIsToldByItsTurns(t *testing.T) {
	for want, values := range map[string][]int32{
		"2 → 0":         {2, 1, 0},
		"2 → 0 → 3":     {2, 1, 0, 1, 2, 3},
		"1 → 0–2 → 1":   {1, 2, 1, 0, 1, 2, 1},
		"3 → 2 → 3 → 2": {3, 2, 3, 2},
	} {
		if got := courseOf(values); got != want {
			t.Errorf("%v is told as %q, want %q", values, got, want)
		}
	}
}

func TestWhatAProgramWithCredentialsDidIsNotTheLearners(t *testing.T) {
	a := newAttempt().
		asks(1, "patch", "configmaps", "settings", nil).
		asks(2, "patch", "configmaps", "settings", func(r *history.Request) { r.User = "system:serviceaccount:ci:ci-bot" })
	visits := Tell(a.Source).Visits
	by := map[string]Actor{}
	for _, e := range visits[len(visits)-1].Entries {
		by[e.User] = e.By
	}
	if by["learner"] != You || by["system:serviceaccount:ci:ci-bot"] != Other {
		t.Errorf("told as done by %v", by)
	}
}
