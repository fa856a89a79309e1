package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/cluster/kind"
	"github.com/k8slab/k8slab/engine/verify"
)

func TestAnswersFindTheEngineOnlyWhereTheirClusterIsItsOwn(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("DOCKER_HOST", "unix:///run/user/1/docker.sock")
	for name, finds := range map[string]bool{kind.Name: true, embedded.Name: false, "": false} {
		r := verify.Runner{Cluster: name, Env: []string{"A=b"}}
		withEngine(&r)
		if slices.Contains(r.Env, "DOCKER_HOST=unix:///run/user/1/docker.sock") != finds || slices.Contains(r.Path, dir) != finds || r.Env[0] != "A=b" {
			t.Errorf("%q: %v, %v", name, r.Env, r.Path)
		}
	}
}
