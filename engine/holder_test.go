package engine_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/existing"
	"github.com/k8slab/k8slab/engine/problem"
)

var errEnsured = errors.New("as far as a test goes")

// owner is a provider of clusters of k8slab's own. It has the cluster that it is given, and makes none.
type owner struct {
	cluster.Provider
	name  string
	has   *cluster.Cluster
	asked []string
}

func (o *owner) Name() string { return o.name }

func (o *owner) Find(context.Context, string) (*cluster.Cluster, error) {
	if o.has == nil {
		return nil, cluster.ErrNotFound
	}
	return o.has, nil
}

func (o *owner) Ensure(context.Context, cluster.Spec, cluster.Progress) (*cluster.Cluster, error) {
	return nil, errEnsured
}

func (o *owner) Stop(context.Context, string) error {
	o.asked = append(o.asked, "stop")
	return nil
}

func (o *owner) Delete(context.Context, string) error {
	o.asked, o.has = append(o.asked, "delete"), nil
	return nil
}

// TestAClusterThatTheJournalDoesNotPointToIsNotLost is about clusters that were being made, or on which a lab was being
// let in, when k8slab was killed.
func TestAClusterThatTheJournalDoesNotPointToIsNotLost(t *testing.T) {
	lab := maintenance(t)
	first, second := &owner{name: "first"}, &owner{name: "second"}
	e := engineOf(t, lab, t.TempDir(), first, second)
	start := func(provider string) error {
		t.Helper()
		_, err := e.Start(t.Context(), lab.ID, engine.StartOptions{Provider: provider}, nil)
		return err
	}
	second.has = &cluster.Cluster{Name: lab.ID, Provider: "second", State: cluster.Running}
	for _, provider := range []string{"", "first"} {
		p, ok := errors.AsType[*problem.Problem](start(provider))
		if !ok || !strings.Contains(p.What.EN, "second") || !strings.Contains(p.What.JA, "second") || p.Next.String() != "delete "+lab.ID {
			t.Errorf("start on %q: %v", provider, p)
		}
	}
	if err := start("second"); !errors.Is(err, errEnsured) {
		t.Errorf("start where the cluster is: %v", err)
	}
	second.has = &cluster.Cluster{Name: lab.ID, Provider: "second", State: cluster.Stopped}
	if err := start(""); !errors.Is(err, errEnsured) {
		t.Errorf("start where nobody can tell what became of the other cluster: %v", err)
	}
	if err := e.Stop(t.Context(), lab.ID, nil); err != nil {
		t.Error(err)
	}
	if _, err := e.Delete(t.Context(), lab.ID, nil); err != nil {
		t.Error(err)
	}
	if !slices.Equal(second.asked, []string{"stop", "delete"}) || len(first.asked) > 0 {
		t.Errorf("asked of the first: %v, of the second: %v", first.asked, second.asked)
	}
	if err := start(""); !errors.Is(err, errEnsured) {
		t.Errorf("start when the other cluster is gone: %v", err)
	}
}

func engineOf(t *testing.T, lab *content.Lab, state string, providers ...cluster.Provider) *engine.Engine {
	t.Helper()
	e, err := engine.New(engine.Config{Labs: catalog.Loaded(lab), Vocabulary: all.Vocabulary(), Providers: providers, StateDir: state})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// interrupted is a guest provider that settles a lab on a cluster and gets no further.
type interrupted struct{ *existing.Provider }

func (interrupted) Ensure(context.Context, cluster.Spec, cluster.Progress) (*cluster.Cluster, error) {
	return nil, errEnsured
}

func TestAChoiceWithoutAnAttemptCanBeTakenBack(t *testing.T) {
	c, lab, state := someoneElses(t, nodes("pool-1", "pool-2", "pool-3", "pool-4")), maintenance(t), t.TempDir()
	guest := interrupted{existing.New(filepath.Join(state, "existing"))}
	e := newEngine(t, state, lab, guest)
	opts := engine.StartOptions{Provider: existing.Name, Place: c.place(), AllowNodes: true, Consent: yes}
	if _, err := e.Start(t.Context(), lab.ID, opts, nil); !errors.Is(err, errEnsured) {
		t.Fatalf("start: %v", err)
	}
	if _, err := guest.Find(t.Context(), lab.ID); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("the choice was kept although the lab never came: %v", err)
	}

	settle := func() { // as a start does that is killed right after
		t.Helper()
		host, err := guest.Look(t.Context(), lab.ID, c.place())
		if err != nil {
			t.Fatal(err)
		}
		if err := guest.Settle(t.Context(), lab.ID, host); err != nil {
			t.Fatal(err)
		}
	}
	settle()
	_, err := e.Start(t.Context(), lab.ID, engine.StartOptions{}, nil)
	if p, ok := errors.AsType[*problem.Problem](err); !ok || !strings.Contains(p.What.EN, c.Server) || p.Next.String() != "delete "+lab.ID {
		t.Errorf("start elsewhere: %v", err)
	}
	left, err := e.Delete(t.Context(), lab.ID, nil)
	if err != nil || left == nil || left.Server != c.Server {
		t.Errorf("delete: %+v, %v", left, err)
	}
	settle()
	if err := e.Forget(t.Context(), lab.ID); err != nil {
		t.Errorf("forget: %v", err)
	}
	if _, err := guest.Find(t.Context(), lab.ID); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("the choice was kept: %v", err)
	}
	opts.Consent = nil
	_, err = e.Start(t.Context(), lab.ID, opts, nil)
	if p, ok := errors.AsType[*problem.Problem](err); !ok || !strings.HasPrefix(p.Next.String(), "start "+lab.ID+" --cluster existing") {
		t.Errorf("start without anybody to ask: %v", err)
	}
}
