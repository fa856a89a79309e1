package app_test

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/internal/app"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// TestASecondFacePlaysALab is a face other than the command line: it starts a lab, looks, waits until the learner has
// done something, looks again, takes a hint and goes on.
func TestASecondFacePlaysALab(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	labs, err := app.Shelf("")
	must(t, err)
	e, err := app.New(t.TempDir(), labs)
	must(t, err)
	t.Cleanup(func() {
		_, err := e.Delete(context.Background(), "11-maintenance", nil)
		must(t, err)
	})
	play, err := e.Start(ctx, "11-maintenance", engine.StartOptions{}, nil)
	must(t, err)
	var told []string
	before, err := play.Look(ctx, func(v grading.Verdict) { told = append(told, v.ID) })
	must(t, err)
	if outcome(before, "cordoned") != checks.Failed || len(told) != len(before.Verdicts) {
		t.Fatalf("at first: %+v, told %v", before, told)
	}
	learn(t, play)
	var now *grading.Report
	for now == nil || outcome(now, "cordoned") != checks.Passed {
		must(t, play.AwaitChange(ctx))
		now, err = play.Look(ctx, nil)
		must(t, err)
	}
	hint, err := play.Hint(ctx)
	must(t, err)
	if next := engine.AfterHint(play.Session(), hint); !next.Equal(action.Do(action.Check)) || hint.Level != 1 {
		t.Errorf("after the hint %+v comes %v", hint, next)
	}
	if err := play.Next(ctx, false, nil); err == nil {
		t.Error("a step that has not passed is left")
	}
	must(t, play.Next(ctx, true, nil))
	if s := play.Session(); s.Step.ID != "deadlock" || s.Attempt.Steps["drain"].Checks != 0 {
		t.Errorf("it went on to %s, and has checked %d times", s.Step.ID, s.Attempt.Steps["drain"].Checks)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func outcome(r *grading.Report, id string) checks.Outcome {
	for _, v := range r.Verdicts {
		if v.ID == id {
			return v.Outcome
		}
	}
	return ""
}

// learn does what a learner does first: it cordons the node.
func learn(t *testing.T, play *engine.Play) {
	t.Helper()
	cfg, err := play.Provider().Config(t.Context(), "11-maintenance", cluster.Learner)
	must(t, err)
	client, err := kubernetes.NewForConfig(cfg)
	must(t, err)
	_, err = client.CoreV1().Nodes().Patch(t.Context(), "worker-2", types.MergePatchType, []byte(`{"spec":{"unschedulable":true}}`), metav1.PatchOptions{})
	must(t, err)
}
