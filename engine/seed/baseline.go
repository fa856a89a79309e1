package seed

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/engine/atomicfile"
	"github.com/k8slab/k8slab/engine/history"
)

// Baseline is the starting state as it was when the learner got it. It is kept beside the journal and not in the
// cluster, so that nothing done to the cluster changes what the work is compared with.
type Baseline struct {
	Lab     string    `json:"lab"`
	Step    string    `json:"step"`
	Attempt string    `json:"attempt"`
	Time    time.Time `json:"time"`
	// ClusterID is the UID of the kube-system namespace. A cluster that was deleted and made again has another one.
	ClusterID string                       `json:"clusterID"`
	Items     []*unstructured.Unstructured `json:"items"`
	// Undone lists the times whose actions a restored snapshot has undone.
	Undone []Window `json:"undone,omitempty"`
}

// Window is a span of time.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// AuditLog returns the audit log without requests that were undone.
func (b *Baseline) AuditLog(all history.Reader) history.Reader {
	if len(b.Undone) == 0 {
		return all
	}
	return remaining{all: all, undone: b.Undone}
}

// remaining is an audit log without the requests of some times.
type remaining struct {
	all    history.Reader
	undone []Window
}

// Requests implements history.Reader.
func (r remaining) Requests(ctx context.Context, q history.Query) ([]history.Request, error) {
	requests, err := r.all.Requests(ctx, q)
	return slices.DeleteFunc(requests, func(request history.Request) bool {
		return undone(r.undone, request.Time)
	}), err
}

func undone(windows []Window, t time.Time) bool {
	return slices.ContainsFunc(windows, func(w Window) bool { return t.After(w.From) && t.Before(w.To) })
}

// HasUndone reports whether a restored snapshot has undone what happened at the time.
func (b *Baseline) HasUndone(t time.Time) bool { return undone(b.Undone, t) }

// History returns the record of the cluster without changes that were undone.
func (b *Baseline) History(all history.Watcher) history.Watcher {
	if len(b.Undone) == 0 {
		return all
	}
	return remainingRecord{all: all, undone: b.Undone}
}

// remainingRecord is a record without the changes of some times.
type remainingRecord struct {
	all    history.Watcher
	undone []Window
}

// Timeline implements history.Watcher.
func (r remainingRecord) Timeline(ctx context.Context, since time.Time) (*history.Timeline, error) {
	t, err := r.all.Timeline(ctx, since)
	if err != nil {
		return nil, err
	}
	for _, w := range r.undone {
		t = t.Without(w.From, w.To)
	}
	return t, nil
}

// Object implements checks.Baseline.
func (b *Baseline) Object(gk schema.GroupKind, namespace, name string) (*unstructured.Unstructured, bool) {
	for _, o := range b.Items {
		if o.GroupVersionKind().GroupKind() == gk && o.GetNamespace() == namespace && o.GetName() == name {
			return o.DeepCopy(), true
		}
	}
	return nil, false
}

// Objects implements checks.Baseline.
func (b *Baseline) Objects(gk schema.GroupKind) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, o := range b.Items {
		if o.GroupVersionKind().GroupKind() == gk {
			found = append(found, o.DeepCopy())
		}
	}
	return found
}

// recordBaseline reads the scenario's objects, the pods of its namespaces and the nodes from the cluster into b.
func (op *operator) recordBaseline(ctx context.Context, s *Scenario, b *Baseline) error {
	for _, o := range s.objects {
		r, err := op.resource(o.GroupVersionKind(), o.GetNamespace())
		if err != nil {
			return err
		}
		live, err := r.Get(ctx, o.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		b.keep(live)
	}
	for _, ns := range s.namespaces() {
		list, err := op.dynamic.Resource(pods).Namespace(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range list.Items {
			b.keep(&list.Items[i])
		}
	}
	list, err := op.dynamic.Resource(nodes).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		b.keep(&list.Items[i])
	}
	b.ClusterID, err = op.clusterID(ctx)
	return err
}

// keep adds the object unless the baseline has it: a bare pod is both part of the scenario and a pod of its namespace.
func (b *Baseline) keep(o *unstructured.Unstructured) {
	if _, known := b.Object(o.GroupVersionKind().GroupKind(), o.GetNamespace(), o.GetName()); known {
		return
	}
	o.SetManagedFields(nil)
	b.Items = append(b.Items, o)
}

func (op *operator) clusterID(ctx context.Context) (string, error) {
	ns, err := op.dynamic.Resource(namespaces).Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return string(ns.GetUID()), nil
}

func baselinePath(sessionDir string) string { return filepath.Join(sessionDir, "baseline.json") }

// LoadBaseline returns nil for a session without a baseline: nothing is seeded, or seeding was interrupted.
func LoadBaseline(sessionDir string) (*Baseline, error) {
	raw, err := os.ReadFile(baselinePath(sessionDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var b Baseline
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, nil // as good as no baseline: the step will be seeded again
	}
	return &b, nil
}

// Save keeps the baseline in the folder of the session.
func (b *Baseline) Save(sessionDir string) error {
	return Keep(baselinePath(sessionDir), b)
}

// Keep replaces a file in the session's folder by v as JSON. A crash leaves the old file or the new one. Keep does not
// wait until the file is on the disk: whatever a power failure loses is made again.
func Keep(path string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return atomicfile.WriteUnsynced(path, raw, atomicfile.Private)
}

// DropBaseline removes the baseline. It is called before the cluster is touched: from then on the step counts as not
// seeded.
func DropBaseline(sessionDir string) error {
	err := os.Remove(baselinePath(sessionDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
