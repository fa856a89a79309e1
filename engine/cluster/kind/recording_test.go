package kind

import (
	"log/slog"
	"os"
	"testing"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/flock"
)

// recordedBy holds the folder's recorder lock and answers on its socket, as a recorder does, until a command stops it.
func recordedBy(t *testing.T, f folder) {
	t.Helper()
	release, err := flock.Wait(t.Context(), f.recorderLock())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	end, err := serveRecorder(f, nil, release, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
}

func TestANewClusterEndsTheRecorderOfTheOldOne(t *testing.T) {
	// There are no containers any more.
	command(t, "docker", `case $1 in
info) echo '{"ServerVersion":"28.0.0","CgroupVersion":"2","MemTotal":8000000000}';;
ps) ;;
image) echo sha256:abc;;
run) echo v1.37.2;;
*) exit 1;;
esac
`)
	p, err := New(t.TempDir(), "true")
	if err != nil {
		t.Fatal(err)
	}
	f := p.folder("lab")
	recordedBy(t, f)
	if err := f.writeDescription(&description{Complete: true, Version: "v1.37.2", Port: 4711}); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(f.createLog(), 0o700); err != nil { // kind is asked for no containers, because its log cannot be written
		t.Fatal(err)
	}
	spec := cluster.Spec{Name: "lab", Release: "1.37", Nodes: []cluster.Node{{Name: "worker-1"}}}
	if _, err := p.Ensure(t.Context(), spec, nil); err == nil {
		t.Error("a cluster was made of nothing")
	}
	if d, err := f.readDescription(); err != nil || d.Complete {
		t.Fatalf("no new cluster was begun: %+v, %v", d, err)
	}
	if f.recorded() {
		t.Error("the old recorder runs on")
	}
}
