package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/internal/app"
)

func TestWhatEachKindOfClusterCanDo(t *testing.T) {
	all, err := app.Providers(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"embedded [audit-log checkpoints components disposable history node-power nodes simulated upgrades]",
		"kind [audit-log disposable history node-power nodes upgrades]",
		"existing []",
		"aks []",
	}
	var got []string
	for _, p := range all {
		got = append(got, fmt.Sprint(p.Name(), " ", cluster.CapabilitiesOf(p)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheEngineHasEveryKindAndProofThoseThatAreMade(t *testing.T) {
	shelf, err := app.Shelf("")
	if err != nil {
		t.Fatal(err)
	}
	e, err := app.New(t.TempDir(), shelf)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Providers(); !slices.Equal(got, []string{"embedded", "kind", "existing", "aks"}) {
		t.Errorf("there are %v", got)
	}
	made, err := app.Makers(t.TempDir())
	if err != nil || len(made) != 2 || made[0].Name() != "embedded" {
		t.Errorf("made are %v, %v", made, err)
	}
	for _, p := range made {
		if !slices.Contains(cluster.CapabilitiesOf(p), cluster.Disposable) {
			t.Errorf("%s clusters cannot be thrown away", p.Name())
		}
	}
}

func TestAnswersFindTheEngineOnlyWhereTheirClusterIsItsOwn(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("DOCKER_HOST", "unix:///run/user/1/docker.sock")
	t.Setenv("K8SLAB_CONTROLPLANE_DIR", "bin")
	here, err := filepath.Abs("bin")
	if err != nil {
		t.Fatal(err)
	}
	made, err := app.Makers(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range made {
		needs, ok := cluster.As[cluster.Environment](p)
		if !ok {
			t.Fatalf("%s needs nothing", p.Name())
		}
		env, path := needs.Environment()
		finds := p.Name() == "kind"
		if slices.Contains(env, "DOCKER_HOST=unix:///run/user/1/docker.sock") != finds || slices.Contains(path, dir) != finds {
			t.Errorf("%s: %v, %v", p.Name(), env, path)
		}
		if slices.Contains(env, "K8SLAB_CONTROLPLANE_DIR="+here) == finds {
			t.Errorf("%s: %v", p.Name(), env)
		}
	}
}
