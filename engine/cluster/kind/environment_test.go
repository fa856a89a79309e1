package kind

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheEngineIsFoundFromAnotherHome(t *testing.T) {
	for name, c := range map[string]struct {
		engine string
		set    map[string]string
		made   []string
		want   []string // ~ is the home
	}{
		"nothing is said": {engine: "docker"},
		"a context in the home": {
			engine: "docker", made: []string{".docker", ".config"}, want: []string{"DOCKER_CONFIG=~/.docker"},
		},
		"an engine of the user's own": {
			engine: "docker", set: map[string]string{"DOCKER_HOST": "unix:///run/user/1/docker.sock", "XDG_RUNTIME_DIR": "/run/user/1", "DOCKER_CONFIG": "/etc/d", "SECRET": "x"},
			made: []string{".docker"}, want: []string{"XDG_RUNTIME_DIR=/run/user/1", "DOCKER_HOST=unix:///run/user/1/docker.sock", "DOCKER_CONFIG=/etc/d"},
		},
		"Podman": {
			engine: "podman", set: map[string]string{"XDG_DATA_HOME": "/data"}, made: []string{".config", ".local/share"},
			want: []string{"XDG_CONFIG_HOME=~/.config", "XDG_DATA_HOME=/data"},
		},
		"none": {engine: "other", set: map[string]string{"DOCKER_HOST": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			for _, name := range []string{
				"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "CONTAINER_HOST", "CONTAINERS_CONF",
				"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", ImageVariable,
			} {
				t.Setenv(name, c.set[name])
			}
			t.Setenv("HOME", home)
			t.Setenv("SECRET", c.set["SECRET"])
			command(t, c.engine, "")
			for _, dir := range c.made {
				if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for i, want := range c.want {
				if name, rest, found := strings.Cut(want, "~"); found {
					c.want[i] = name + home + rest
				}
			}
			env, folders := (&Provider{}).Environment()
			if !slices.Equal(env, c.want) {
				t.Errorf("got %q, want %q", env, c.want)
			}
			if want := os.Getenv("PATH"); slices.Contains(folders, want) == (c.engine == "other") {
				t.Errorf("the folders are %q, want %q", folders, want)
			}
		})
	}
}
