package embedded

import (
	"slices"
	"testing"
)

func TestWhatAKilledSupervisorLeftIsFinishedOrUndone(t *testing.T) {
	for _, tt := range []struct {
		found          transition
		phase, release string
	}{
		{transition{Phase: phaseSave, Upgrade: true}, phaseRollBack, "1.36"},
		{transition{Phase: phaseAPIServer, Upgrade: true}, phaseRollBack, "1.36"},
		{transition{Phase: phaseControllers, Upgrade: true}, phaseFinish, "1.37"},
		{transition{Phase: phaseScheduler, Upgrade: true}, phaseFinish, "1.37"},
		{transition{Phase: phaseReady, Upgrade: true}, phaseFinish, "1.37"},
		{transition{Phase: phaseFinish, Upgrade: true}, phaseRollBack, "1.36"},
		{transition{Phase: phaseRollBack, Upgrade: true}, phaseRollBack, "1.36"},
		{transition{Phase: phaseRollBack, Upgrade: true, Attempts: 1}, phaseRestore, "1.36"},
		{transition{Phase: phaseRestore, Upgrade: true}, phaseRestore, "1.36"},
		{transition{Phase: phaseRestore}, phaseRestore, "1.37"},
	} {
		found := tt.found
		found.From, found.To = "1.36", "1.37"
		found.resume()
		if found.Phase != tt.phase || found.release() != tt.release {
			t.Errorf("%+v becomes %s with %s, want %s with %s", tt.found, found.Phase, found.release(), tt.phase, tt.release)
		}
	}
}

func TestOnlyWhatTheReleaseServesIsSwitchedOn(t *testing.T) {
	all := []string{"storage.k8s.io/v1beta1", "networking.k8s.io/v1beta1", "made-up.example/v1alpha1"}
	for release, want := range map[string][]string{
		"1.36": {"--runtime-config=storage.k8s.io/v1beta1=true,networking.k8s.io/v1beta1=true,made-up.example/v1alpha1=true"},
		"1.37": {"--runtime-config=made-up.example/v1alpha1=true"},
	} {
		if got := runtimeConfigArguments(all, release); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", release, got, want)
		}
	}
	if got := runtimeConfigArguments(nil, "1.37"); got != nil {
		t.Errorf("without a runtime config: %v", got)
	}
}
