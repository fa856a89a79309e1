package terminal

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

var update = flag.Bool("update", false, "write the golden files again")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test ./internal/terminal -update writes it again); got:\n%s", path, got)
	}
}

// everyScreen runs f for both languages at 80 and 40 columns, without colour.
func everyScreen(t *testing.T, f func(t *testing.T, name string, s Screen)) {
	for _, lang := range text.Langs {
		for _, width := range []int{80, 40} {
			name := fmt.Sprintf("%s.%d", lang, width)
			t.Run(name, func(t *testing.T) { f(t, name, Screen{Width: width, Lang: lang}) })
		}
	}
}

func lesson(t *testing.T, lang text.Lang) string {
	t.Helper()
	md, err := os.ReadFile(filepath.Join("testdata", "lesson."+string(lang)+".md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(md)
}

func TestLessons(t *testing.T) {
	everyScreen(t, func(t *testing.T, name string, s Screen) {
		text, err := s.Markdown(lesson(t, s.Lang))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "lesson."+name+".txt", text)
		fits(t, text, s.Width, true)
	})
}

// fits fails for a line that is wider than the screen. With code, lines of code may be wider.
func fits(t *testing.T, text string, width int, code bool) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if Width(line) > width && !(code && strings.Contains(line, codeIndent+"kubectl")) {
			t.Errorf("%d columns, more than %d: %s", Width(line), width, line)
		}
	}
}

func TestColourChangesNothingButColour(t *testing.T) {
	for _, lang := range text.Langs {
		for _, width := range []int{80, 40} {
			coloured, err := Screen{Width: width, Lang: lang, Colour: true}.Markdown(lesson(t, lang))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(coloured, "\x1b[36m") {
				t.Error("there is no colour")
			}
			plain, colours := separate(coloured)
			for i, r := range plain {
				if r < ' ' && r != '\n' {
					t.Errorf("control character %U at %d", r, i)
				}
			}
			for i := 0; i < len(colours); i++ {
				if c := colours[i].sgr; strings.Contains(c, "32") {
					t.Errorf("a sequence of the content got through: %q", c)
				}
			}
			fits(t, plain, width, true)
		}
	}
}

// TestCodeCanBeCopied compares every line of code with its source, byte by byte.
func TestCodeCanBeCopied(t *testing.T) {
	for _, width := range []int{80, 40} {
		text, err := Screen{Width: width}.Markdown(lesson(t, text.English))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"kubectl drain worker-2 --ignore-daemonsets --delete-emptydir-data --timeout=120s",
			`kubectl get pods -o jsonpath='{.items[*].metadata.labels.topology\.kubernetes\.io/zone}'`,
			"# comments are set apart", "  keeps its indentation",
		} {
			if !strings.Contains(text, codeIndent+want+"\n") {
				t.Errorf("at %d columns this is not one line: %s", width, want)
			}
		}
	}
}

func report(passed bool) *grading.Report {
	r := &grading.Report{Lab: "11-maintenance", Step: "drain", Max: 10, HintCost: 1, Passed: passed, Verdicts: []grading.Verdict{{
		ID: "cordoned", Title: text.Text{EN: "worker-2 takes no new pods", JA: "worker-2 が新しい Pod を受け付けない"},
		Result: checks.Result{Outcome: checks.Passed},
	}}}
	if passed {
		r.Points = 9
		return r
	}
	r.Verdicts = append(r.Verdicts,
		grading.Verdict{ID: "drained", Title: text.Text{EN: "Nothing is left on worker-2 but the pods of DaemonSets", JA: "worker-2 に DaemonSet の Pod だけが残っている"},
			Result: checks.Result{Outcome: checks.Failed, Object: "pod/web-7d4b9c-x2x", Cause: "Cannot evict pod as it would violate the pod's disruption budget.",
				Want: text.Text{EN: "no pod of a Deployment on worker-2", JA: "worker-2 に Deployment の Pod がないこと"},
				Got:  text.Text{EN: "2 pods of deployment/web are still there", JA: "deployment/web の Pod が 2 個残っています"},
				Why:  text.Text{EN: "a reboot would take them down without asking their disruption budget", JA: "再起動すると、中断の予算を確かめずに Pod が止まります"}}},
		grading.Verdict{ID: "moved", Title: text.Text{EN: "web is available elsewhere", JA: "web がほかのノードで動いている"},
			Result: checks.Result{Outcome: checks.Blocked}, BlockedBy: []string{"drained"}},
		grading.Verdict{ID: "served", Title: text.Text{EN: "web serves its users", JA: "web が利用者に応えている"},
			Result: checks.Result{Outcome: checks.Blocked}, BlockedBy: []string{"moved", "drained"}}, // the report names drained alone
		grading.Verdict{ID: "agent", Title: text.Text{EN: "node-agent runs on every node", JA: "node-agent がすべてのノードで動いている"}, Invariant: true,
			Result: checks.Result{Outcome: checks.Errored}, Error: "the API server did not answer within 5s\x1b[2J"})
	return r
}

func TestReports(t *testing.T) {
	everyScreen(t, func(t *testing.T, name string, s Screen) {
		text := s.Report(present.ReportOf(report(false))) + "----\n" + s.Report(present.ReportOf(report(true)))
		golden(t, "report."+name+".txt", text)
		fits(t, text, s.Width, false)
	})
}
