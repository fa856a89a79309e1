package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/internal/app"
	"github.com/k8slab/k8slab/labs"
)

func TestBrokenLabEndsWith5AndNamesThePlace(t *testing.T) {
	for _, c := range []struct {
		name string
		// load returns the error of making an engine of broken content.
		load func(t *testing.T) error
		want []string
	}{
		{"a lab.yaml that does not parse", func(t *testing.T) error {
			dir := t.TempDir()
			if err := os.CopyFS(dir, fstest.MapFS{"11-broken/lab.yaml": {Data: []byte("id: 11-broken\ntilte: {}\n")}}); err != nil {
				t.Fatal(err)
			}
			_, err := app.LoadLabs(dir)
			return err
		}, []string{"11-broken/lab.yaml:2", "tilte"}},
		{"a check that does not exist", func(t *testing.T) error {
			every, err := content.LoadAll(labs.FS())
			if err != nil {
				t.Fatal(err)
			}
			every[0].Steps[0].Checks[0].Use = "node/cordonned"
			e, err := engine.New(engine.Config{Labs: catalog.Loaded(every...), Vocabulary: all.Vocabulary(), StateDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.Start(t.Context(), every[0].ID, engine.StartOptions{}, nil)
			return err
		}, []string{"step.yaml:", "node/cordonned", "node/cordoned"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			failed := c.load(t)
			var out, errs bytes.Buffer
			code := Run(t.Context(), []string{"list"}, Streams{Out: &out, Err: &errs, Env: []string{"XDG_STATE_HOME=" + t.TempDir()}},
				Parts{NewEngine: func(string) (Engine, error) { return nil, failed }})
			if code != exitContent || out.Len() > 0 {
				t.Errorf("exit code %d, want %d; stdout %q", code, exitContent, out.String())
			}
			for _, want := range c.want {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("stderr does not name %q: %s", want, errs.String())
				}
			}
		})
	}
}

func TestDoctorReadsWhatTheKernelSaysOfMemory(t *testing.T) {
	for _, c := range []struct {
		name, meminfo, state, found string
	}{
		{"enough", "MemTotal: 8000000 kB\nMemAvailable:    2097152 kB\n", "ok", "2048 MB available"},
		{"too little", "MemAvailable:     102400 kB\n", "note", "only 100 MB available"},
		{"not said", "MemTotal: 8000000 kB\n", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			proc := t.TempDir()
			if err := os.WriteFile(filepath.Join(proc, "meminfo"), []byte(c.meminfo), 0o600); err != nil {
				t.Fatal(err)
			}
			found := examineMemory(proc)
			if c.state == "" {
				if len(found) != 0 {
					t.Errorf("got %v, want nothing", found)
				}
				return
			}
			if len(found) != 1 || found[0].State != c.state || !strings.Contains(found[0].Found.EN, c.found) {
				t.Errorf("got %+v, want %s: %s", found, c.state, c.found)
			}
		})
	}
}
