package engine

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// mendable is a provider that repairs its clusters; partial can also stop their components, and examined can also
// examine them.
type (
	mendable struct{ cluster.Provider }
	partial  struct{ mendable }
	examined struct{ mendable }
)

func (mendable) Name() string { return "machines" }

func (mendable) Ensure(context.Context, cluster.Spec, cluster.Progress) (*cluster.Cluster, error) {
	return &cluster.Cluster{State: cluster.Running}, nil
}

func (mendable) Releases(context.Context) ([]string, error) { return []string{"1.36"}, nil }

func (partial) StopComponent(context.Context, string, string) error { return nil }

func (partial) StartComponent(context.Context, string, string) error { return nil }

func (examined) Examine(context.Context, cluster.Place) []cluster.Finding { return nil }

func TestOnlyComponentsThatCanBeStoppedStayStopped(t *testing.T) {
	for name, c := range map[string]struct {
		provider   cluster.Provider
		components []cluster.Component
		want       cluster.State
	}{
		"a part was stopped":                    {partial{}, []cluster.Component{{State: "running"}, {State: "stopped"}}, cluster.Degraded},
		"a part has crashed":                    {partial{}, []cluster.Component{{State: "crashed"}, {State: "stopped"}}, cluster.Running},
		"the control plane's machine is off":    {mendable{}, []cluster.Component{{State: "stopped"}, {State: "running"}}, cluster.Running},
		"an upgrade was left, a machine is off": {mendable{}, []cluster.Component{{State: "running"}, {State: "stopped"}}, cluster.Running},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := New(Config{Labs: catalog.Loaded(), Providers: []cluster.Provider{c.provider}, Vocabulary: all.Vocabulary(), StateDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			play := &Play{engine: e, held: held{provider: c.provider}, found: time.Now(), session: Session{
				Lab: &content.Lab{ID: "lab"}, Step: &content.Step{},
				Cluster: &cluster.Cluster{Provider: "machines", State: cluster.Degraded, Components: c.components},
			}}
			if err := play.awake(t.Context(), nil); err != nil || play.Session().Cluster.State != c.want {
				t.Errorf("it is %s, want %s; %v", play.Session().Cluster.State, c.want, err)
			}
		})
	}
}

func TestAReleaseThatThereIsNotHasItsNextStep(t *testing.T) {
	for want, provider := range map[string]cluster.Provider{"make build": mendable{}, "doctor --cluster machines": examined{}} {
		_, err := nextRelease(t.Context(), provider, "v1.36.3", "")
		if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Next.String() != want {
			t.Errorf("got %#v, want the next step %q", err, want)
		}
	}
}
