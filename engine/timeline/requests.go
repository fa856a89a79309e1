package timeline

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

const (
	restartedAt = "kubectl.kubernetes.io/restartedAt"
	lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
)

// request tells what a person asked for, in kubectl's words. It leaves out dry runs, which changed nothing, and
// requests of k8slab and of the cluster, whose effects are told by the record.
func (t *telling) request(r *history.Request) {
	if !history.IsPerson(r.User) || r.DryRun || t.making(r.Time) {
		return
	}
	e := Entry{Time: r.Time, By: t.who(r), User: r.User, Objects: []string{objectOf(r)}}
	if r.Code >= http.StatusBadRequest {
		t.refused(r, e)
		return
	}
	switch {
	case r.Resource == "pods" && r.Subresource == "eviction":
		g := t.join("evicted "+r.User, e)
		g.entry.What, g.entry.Text = "evicted", t.by(r, several(g.objects, "evicted %s", "%s を退避 (evict) しました"))
	case r.Verb == "delete" && r.Resource == "pods" && r.Subresource == "" && r.Grace != nil && *r.Grace == 0:
		g := t.join("forced "+r.User, e)
		g.entry.What, g.entry.Text = "force-deleted", t.by(r, several(g.objects, "deleted %s by force", "%s を強制削除しました"))
	case r.Verb == "delete" && r.Subresource == "":
		g := t.join("deleted "+r.User+r.Resource, e)
		g.entry.What, g.entry.Text = "deleted", t.by(r, several(g.objects, "deleted %s", "%s を削除しました"))
	case r.Verb == "deletecollection":
		t.did(r, e, "deleted", text.New("deleted all %s of namespace %s", "Namespace %[2]s の %[1]s をすべて削除しました", r.Resource, r.Namespace))
	case r.Verb == "create":
		t.created(r, e)
	default:
		t.changed(r, e)
	}
}

func (t *telling) who(r *history.Request) Actor {
	if r.User == t.from.Learner {
		return You
	}
	return Other
}

// did adds an entry that stands for this request alone.
func (t *telling) did(r *history.Request, e Entry, what string, said text.Text) {
	e.What, e.Text = what, t.by(r, said)
	t.say(e)
}

// by adds who asked, if it was not the learner, and as whom.
func (t *telling) by(r *history.Request, said text.Text) text.Text {
	switch {
	case r.ImpersonatedUser != "":
		return text.New("%s (as %s)", "%s (%s として)", said, r.ImpersonatedUser)
	case r.User != t.from.Learner:
		return text.New("%s (%s)", "%s (%s)", said, r.User)
	}
	return said
}

func several(objects []string, en, ja string) text.Text {
	return text.New(en, ja, names(objects))
}

func (t *telling) refused(r *history.Request, e Entry) {
	switch {
	case r.Subresource == "eviction" && r.Code == http.StatusTooManyRequests:
		g := t.join("refused "+r.User+r.Namespace+r.Name, e)
		g.entry.What = "eviction-refused"
		g.entry.Text = t.by(r, text.New("could not evict %s: its disruption budget did not allow it", "%s を退避できませんでした (PodDisruptionBudget による拒否)", objectOf(r)))
		if g.count > 1 {
			g.entry.Text.EN += fmt.Sprintf(" (%d times)", g.count)
			g.entry.Text.JA += fmt.Sprintf(" (%d 回)", g.count)
		}
	case r.Code == http.StatusForbidden, r.Code == http.StatusUnprocessableEntity:
		t.did(r, e, "refused", text.New("tried to %s %s and was refused (the API server answered %d)", "%[2]s の %[1]s を API サーバーに拒否されました (%[3]d)", r.Verb, objectOf(r), r.Code))
	}
}

func (t *telling) created(r *history.Request, e Entry) {
	switch r.Subresource {
	case "":
		if r.Left != nil && r.Left.Replicas != nil {
			t.replicas[key(r)] = *r.Left.Replicas
		}
		t.did(r, e, "created", text.New("created %s", "%s を作成しました", objectOf(r)))
	case "exec", "attach":
		t.did(r, e, "exec", text.New("went into %s", "%s の中でコマンドを実行しました", objectOf(r)))
	}
}

// changed tells an update or a patch by its effect.
func (t *telling) changed(r *history.Request, e Entry) {
	object := objectOf(r)
	before, known := t.replicasBefore(r)
	if r.Left != nil && r.Left.Replicas != nil {
		t.replicas[key(r)] = *r.Left.Replicas
	}
	switch {
	case r.Subresource == "status":
		t.did(r, e, "changed", text.New("changed the status of %s", "%s の status を変更しました", object))
	case r.Cordons != nil && *r.Cordons:
		t.did(r, e, "cordoned", text.New("cordoned %s", "%s を cordon しました", object))
	case r.Cordons != nil:
		t.did(r, e, "uncordoned", text.New("uncordoned %s", "%s を uncordon しました", object))
	case slices.ContainsFunc(r.Fields, func(f string) bool { return strings.HasSuffix(f, restartedAt) }):
		t.did(r, e, "restarted", text.New("restarted %s (rollout restart)", "%s を再起動しました (rollout restart)", object))
	case known && r.Left != nil && r.Left.Replicas != nil && *r.Left.Replicas != before:
		t.did(r, e, "scaled", text.New("scaled %s %d → %d", "%s のレプリカ数を %d → %d にしました", object, before, *r.Left.Replicas))
	case r.Subresource == "scale" && r.Left != nil && r.Left.Replicas != nil:
		t.did(r, e, "scaled", text.New("scaled %s to %d", "%s のレプリカ数を %d にしました", object, *r.Left.Replicas))
	default:
		t.did(r, e, "changed", withFields(text.New("changed %s", "%s を変更しました", object), r.Fields))
	}
}

// withFields adds the fields that a patch names, by the last word of each path.
func withFields(said text.Text, fields []string) text.Text {
	var short []string
	for _, f := range fields {
		name := f[strings.LastIndex(f, ".")+1:]
		if strings.HasSuffix(f, lastApplied) || slices.Contains(short, name) || strings.HasPrefix(f, "metadata.annotations") {
			continue
		}
		short = append(short, name)
	}
	if len(short) == 0 {
		return said
	}
	return text.New("%s: %s", "%s: %s", said, names(short))
}

func key(r *history.Request) string { return r.Resource + "/" + r.Namespace + "/" + r.Name }

// replicasBefore returns how many replicas the workload asked for before the request, and false if that is not known.
func (t *telling) replicasBefore(r *history.Request) (int32, bool) {
	if n, known := t.replicas[key(r)]; known {
		return n, true
	}
	if t.from.Record == nil {
		return 0, false
	}
	var before *history.Record
	for i := range t.from.Record.Records {
		record := &t.from.Record.Records[i]
		if record.Time.After(r.Time) {
			break
		}
		if record.Workload != nil && record.Name == r.Name && record.Namespace == r.Namespace && strings.EqualFold(record.Kind+"s", r.Resource) {
			before = record
		}
	}
	if before == nil {
		return 0, false
	}
	return before.Workload.Wanted, true
}

// objectOf names the object as kubectl does. For a resource that is not built in, the singular is a guess.
func objectOf(r *history.Request) string {
	return singular(r.Resource) + "/" + cmp.Or(r.Name, "…")
}

// singular of a resource as kubectl prints it.
func singular(resource string) string {
	switch {
	case strings.HasSuffix(resource, "sses"), strings.HasSuffix(resource, "xes"):
		return strings.TrimSuffix(resource, "es")
	case strings.HasSuffix(resource, "ies"):
		return strings.TrimSuffix(resource, "ies") + "y"
	}
	return strings.TrimSuffix(resource, "s")
}
