package clustertest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/k8slab/k8slab/engine/cluster"
)

// capabilities uses each capability that follows from the provider's interfaces: an interface whose methods do nothing
// makes no capability. A new capability needs a use here.
func (s *suite) capabilities(t *testing.T) {
	uses := map[cluster.Capability]func(*testing.T){
		cluster.AuditLog:    s.auditLog,
		cluster.Checkpoints: s.checkpoints,
		cluster.Components:  s.components,
		cluster.Disposable:  func(*testing.T) {}, // deleted tests it
		cluster.History:     s.recording,
		cluster.Nodes:       s.cordon,
		cluster.Power:       s.power,
		cluster.Simulated:   s.behaviors,
		cluster.Upgrades:    s.releases, // upgraded tests more of it
	}
	for _, c := range cluster.CapabilitiesOf(s.provider) {
		use := uses[c]
		if use == nil {
			t.Errorf("the suite does not use %s", c)
			continue
		}
		t.Run(string(c), use)
	}
}

// through returns the provider as a T. A capability promises that the provider implements it.
func through[T any](t *testing.T, p cluster.Provider) T {
	t.Helper()
	it, ok := cluster.As[T](p)
	if !ok {
		t.Fatalf("%s has the capability and not the interface", p.Name())
	}
	return it
}

func (s *suite) auditLog(t *testing.T) {
	log := through[cluster.AuditLogFile](t, s.provider)
	eventually(t, func() error {
		paths, err := log.AuditLog(t.Context(), s.spec.Name)
		if err != nil {
			return err
		}
		for _, path := range paths {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if bytes.Contains(raw, []byte(`"namespace":"`+namespace+`"`)) {
				return nil
			}
		}
		return fmt.Errorf("nothing in %v tells of the namespace %s", paths, namespace)
	})
}

func (s *suite) recording(t *testing.T) {
	recorder := through[cluster.Recorder](t, s.provider)
	if err := recorder.CatchUp(t.Context(), s.spec.Name); err != nil {
		t.Fatal(err)
	}
	dir, err := recorder.Recording(t.Context(), s.spec.Name)
	if err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) == 0 {
		t.Errorf("the record in %s has %v, %v", dir, files, err)
	}
}

func (s *suite) checkpoints(t *testing.T) {
	checkpointer := through[cluster.Checkpointer](t, s.provider)
	if err := checkpointer.SaveCheckpoint(t.Context(), s.spec.Name, "conformance"); err != nil {
		t.Fatal(err)
	}
	saved, err := checkpointer.Checkpoints(t.Context(), s.spec.Name)
	if err != nil || len(saved) != 1 || saved[0].Name != "conformance" || saved[0].Bytes <= 0 {
		t.Errorf("saved are %+v, %v", saved, err)
	}
	if err := checkpointer.RestoreCheckpoint(t.Context(), s.spec.Name, "another"); !errors.Is(err, cluster.ErrNoCheckpoint) {
		t.Errorf("a checkpoint that was not saved: got error %v, want ErrNoCheckpoint", err)
	}
}

func (s *suite) components(t *testing.T) {
	control := through[cluster.ComponentControl](t, s.provider)
	c, err := s.provider.Find(t.Context(), s.spec.Name)
	if err != nil || len(c.Components) == 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	name := c.Components[len(c.Components)-1].Name
	if err := control.StopComponent(t.Context(), s.spec.Name, name); err != nil {
		t.Fatal(err)
	}
	if c, err = s.provider.Find(t.Context(), s.spec.Name); err != nil || c.State != cluster.Degraded {
		t.Errorf("without %s: %+v, %v", name, c, err)
	}
	if err := control.StartComponent(t.Context(), s.spec.Name, name); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		c, err := s.provider.Find(t.Context(), s.spec.Name)
		if err == nil && c.State != cluster.Running {
			err = fmt.Errorf("the cluster is %s", c.State)
		}
		return err
	})
}

// power starts a machine that is on already. A provider's own tests switch machines off.
func (s *suite) power(t *testing.T) {
	power := through[cluster.NodePower](t, s.provider)
	if err := power.StartNode(t.Context(), s.spec.Name, s.spec.Nodes[0].Name); err != nil {
		t.Error(err)
	}
	if err := power.StartNode(t.Context(), s.spec.Name, "no-such-node"); err == nil {
		t.Error("a node that there is not can be switched on")
	}
}

func (s *suite) behaviors(t *testing.T) {
	if err := through[cluster.Simulator](t, s.provider).SetBehaviors(t.Context(), s.spec.Name, nil); err != nil {
		t.Error(err)
	}
}

func (s *suite) releases(t *testing.T) {
	known, err := through[cluster.Releases](t, s.provider).Releases(t.Context())
	if err != nil || !slices.Contains(known, s.spec.Release) {
		t.Errorf("releases %v, %v", known, err)
	}
	done, err := through[cluster.UpgradeLog](t, s.provider).Upgrades(t.Context(), s.spec.Name)
	if err != nil || len(done) > 0 {
		t.Errorf("before any upgrade there are %+v on record, %v", done, err)
	}
}

// cordon does to a node what a learner may do.
func (s *suite) cordon(t *testing.T) {
	client := s.client(t, s.spec.Name, cluster.Learner)
	for _, patch := range []string{`{"spec":{"unschedulable":true}}`, `{"spec":{"unschedulable":null}}`} {
		_, err := client.CoreV1().Nodes().Patch(t.Context(), s.spec.Nodes[0].Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
}
