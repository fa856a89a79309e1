package kind

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// lab is a cluster that was made with the nodes one and two, as Docker shows it.
type lab struct {
	p   *Provider
	f   folder
	dir string
}

// labOn returns a lab whose machines with these endings of their names are on. The script answers Docker's other
// commands, which are written down.
func labOn(t *testing.T, script string, on ...string) *lab {
	t.Helper()
	dir := t.TempDir()
	command(t, "docker", `PATH=/usr/bin:/bin
cd `+dir+`
case "$1 $*" in
"info "*) echo '{"ServerVersion":"28.0.0","CgroupVersion":"2","MemTotal":8000000000}'; exit ;;
"ps "*`+clusterLabel+`=*) echo 1 2 3; exit ;;
"inspect "*) cat inspect.json; exit ;;
esac
echo "$*" >>said
case "$*" in
`+script+`
esac
`)
	p, err := New(filepath.Join(dir, usual), "true")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{p: p, f: p.folder("lab"), dir: dir}
	d := &description{Complete: true, Version: "v1.36.3", Port: 4711, Spec: cluster.Spec{
		Name: "lab", Release: "1.36", Nodes: []cluster.Node{{Name: "one"}, {Name: "two"}},
	}}
	if err := l.f.writeDescription(d); err != nil {
		t.Fatal(err)
	}
	l.power(t, on...)
	return l
}

// power switches on the machines with these endings of their names, and the others off.
func (l *lab) power(t *testing.T, on ...string) {
	t.Helper()
	var all []map[string]any
	for i, machine := range []string{"control-plane", "worker", "worker2"} {
		all = append(all, map[string]any{
			"Id": []string{"1", "2", "3"}[i], "Name": "/k8slab-lab-" + machine, "State": map[string]any{"Running": slices.Contains(on, machine)},
			"Mounts": []map[string]string{{"Source": l.f.machine()}},
		})
	}
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.dir, "inspect.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// said returns the commands that Docker was given.
func (l *lab) said(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(l.dir, "said"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(raw)
}

// mark marks the node's power as taken away.
func (l *lab) mark(t *testing.T, node string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(l.f.power(node)), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.f.power(node), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func wantNext(t *testing.T, what string, err error, next string) {
	t.Helper()
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Next.String() != next || p.What.JA == "" || p.What.JA == p.What.EN {
		t.Errorf("%s: got %#v, want a problem with the next step %q", what, err, next)
	}
}

func TestThePowerOfAMachineIsTakenWhateverIsRememberedOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		on, marked bool
		script     string
		// kills and marks say that a kill and a mark are wanted; no error is wanted if the script lets Docker kill.
		kills, marks bool
	}{
		"on":                                    {on: true, kills: true, marks: true},
		"on, though the power was taken before": {on: true, marked: true, kills: true, marks: true},
		"off already":                           {marks: true},
		"off and known to be":                   {marked: true, marks: true},
		"one that cannot be killed":             {on: true, script: "kill*) echo no >&2; exit 1 ;;", kills: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := labOn(t, c.script, "control-plane")
			if c.on {
				l.power(t, "control-plane", "worker")
			}
			if c.marked {
				l.mark(t, "one")
			}
			if err := l.p.StopNode(t.Context(), "lab", "one"); (err != nil) != (c.script != "") {
				t.Error(err)
			}
			if killed := strings.Contains(l.said(t), "kill k8slab-lab-worker\n"); killed != c.kills || l.f.hasNoPower("one") != c.marks {
				t.Errorf("killed: %v, want %v; marked: %v, want %v", killed, c.kills, l.f.hasNoPower("one"), c.marks)
			}
		})
	}
}

func TestAStartForgetsOutagesThatAreOver(t *testing.T) {
	for name, c := range map[string]struct {
		on   []string
		want []string
	}{
		"the control plane ran on":               {[]string{"control-plane"}, []string{"one", "two"}},
		"a machine came back by itself":          {[]string{"control-plane", "worker"}, []string{"two"}},
		"the control plane was off":              {[]string{"worker"}, nil},
		"everything was off, and all is started": {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := labOn(t, "", c.on...)
			l.mark(t, "one")
			l.mark(t, "two")
			d, err := l.f.readDescription()
			if err != nil {
				t.Fatal(err)
			}
			e, _, err := l.p.find(t.Context(), "lab")
			if err != nil {
				t.Fatal(err)
			}
			// There is no API server; the machines are started before the API server is asked.
			_ = l.p.switchOn(t.Context(), e, l.f, d, nil)
			var marked []string
			for _, node := range d.Spec.Nodes {
				if l.f.hasNoPower(node.Name) {
					marked = append(marked, node.Name)
				}
			}
			if !slices.Equal(marked, c.want) {
				t.Errorf("without power: %v, want %v", marked, c.want)
			}
		})
	}
}

func TestAClusterThatIsOffHasItsNextStep(t *testing.T) {
	l := labOn(t, "", "worker2")
	l.mark(t, "two")
	for what, act := range map[string]func() error{
		"stop":   func() error { return l.p.StopNode(t.Context(), "lab", "one") },
		"start":  func() error { return l.p.StartNode(t.Context(), "lab", "one") },
		"reboot": func() error { return l.p.RebootNode(t.Context(), "lab", "one") },
		"touch":  func() error { return l.p.TouchNode(t.Context(), "lab", "one", "/x") },
		"upgrade": func() error {
			_, err := l.p.Upgrade(t.Context(), "lab", cluster.UpgradeOrder{Release: "1.37"}, nil)
			return err
		},
		"node upgrade": func() error {
			_, err := l.p.UpgradeNode(t.Context(), "lab", "one", cluster.UpgradeOrder{Release: "1.37"})
			return err
		},
		"record": func() error { return l.p.CatchUp(t.Context(), "lab") },
	} {
		wantNext(t, what, act(), "start lab")
	}
	if said := l.said(t); said != "" {
		t.Errorf("Docker was told %q", said)
	}
	l.power(t, "control-plane", "worker2")
	wantNext(t, "touch", l.p.TouchNode(t.Context(), "lab", "one", "/x"), "start-node --node one")
	_, err := l.p.UpgradeNode(t.Context(), "lab", "one", cluster.UpgradeOrder{Release: "1.37"})
	wantNext(t, "node upgrade", err, "start-node --node one")
}

func TestTheAuditLogOfAClusterThatIsOffIsItsCopy(t *testing.T) {
	l := labOn(t, "exec*) exit 1 ;;", "control-plane")
	if err := l.f.addAudit([]byte("77 4\none\n"), nil); err != nil {
		t.Fatal(err)
	}
	if paths, err := l.p.AuditLog(t.Context(), "lab"); err == nil {
		t.Errorf("of one that runs, what cannot be read is left out: %v", paths)
	}
	l.power(t)
	if paths, err := l.p.AuditLog(t.Context(), "lab"); err != nil || len(paths) != 1 {
		t.Errorf("got %v, %v", paths, err)
	}
}

func TestDockerDesktopsMountsAreOurs(t *testing.T) {
	l := labOn(t, "", "control-plane")
	raw, err := os.ReadFile(filepath.Join(l.dir, "inspect.json"))
	if err != nil {
		t.Fatal(err)
	}
	for source, ours := range map[string]bool{
		l.f.machine(): true, "/host_mnt" + l.f.machine(): true, "/host_mnt2" + l.f.machine(): false, "/else" + l.f.machine(): false,
	} {
		shown := strings.ReplaceAll(string(raw), l.f.machine(), source)
		if err := os.WriteFile(filepath.Join(l.dir, "inspect.json"), []byte(shown), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.p.find(t.Context(), "lab"); (err == nil) != ours {
			t.Errorf("%s: %v", source, err)
		}
	}
}
