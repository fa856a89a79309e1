package verify

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/text"
)

func stepWith(id string, uses ...string) *content.Step {
	step := &content.Step{ID: id, Solution: content.File{Path: "solution.sh"}, AlsoRight: []content.File{{Path: "also-right/a.sh"}}}
	for _, use := range uses {
		step.Checks = append(step.Checks, content.Check{ID: use, Use: use})
	}
	for i := range 20 {
		step.Wrong = append(step.Wrong, content.WrongAnswer{File: content.File{Path: fmt.Sprintf("wrong/%02d.sh", i)}, Fails: "x"})
	}
	return step
}

func TestASampleIsTheSameAtOneCommitAndAnotherAtTheNext(t *testing.T) {
	step := stepWith("drain")
	lab := &content.Lab{ID: "11-lab", Steps: []*content.Step{step}}
	samples := map[string]bool{}
	for commit := range 10 {
		s := &Selection{Sample: 3, Commit: fmt.Sprint(commit)}
		chosen, left := s.choose(lab, step, Answers(step))
		again, _ := s.choose(lab, step, Answers(step))
		if fmt.Sprint(chosen) != fmt.Sprint(again) {
			t.Errorf("at one commit there are %v and %v", chosen, again)
		}
		if len(chosen) != 5 || chosen[0].Kind != Nothing || chosen[1].Kind != Solution || chosen[2].Kind != Wrong || len(left) != 18 {
			t.Errorf("chosen are %v, left out %v", chosen, left)
		}
		if !slices.IsSortedFunc(chosen[2:], func(a, b Answer) int { return strings.Compare(a.Name(), b.Name()) }) {
			t.Errorf("not in the order of the step: %v", chosen)
		}
		samples[fmt.Sprint(chosen)] = true
	}
	if len(samples) < 8 {
		t.Errorf("10 commits have %d samples between them", len(samples))
	}
	if chosen, _ := (&Selection{Sample: 99}).choose(lab, step, Answers(step)); len(chosen) != 22 {
		t.Errorf("a sample of more than there is has %d", len(chosen))
	}
}

// defined returns a check that says to be of the package.
func defined(name, pkg string) checks.Definition {
	d := checks.Define(name, checks.Doc{}, checks.Func[struct{}](nil))
	d.Package = module + "/" + pkg
	return d
}

func TestAChangeTouchesWhatDependsOnIt(t *testing.T) {
	vocabulary, err := checks.New(defined("node/cordoned", "checks/node"), defined("pdb/floor", "checks/budget"), defined("pod/there", "checks/pod"))
	if err != nil {
		t.Fatal(err)
	}
	source := func(imports ...string) *fstest.MapFile {
		file := "package x\n"
		for _, i := range imports {
			file += fmt.Sprintf("import _ %q\n", i)
		}
		return &fstest.MapFile{Data: []byte(file)}
	}
	own := fstest.MapFS{
		"checks/types.go": source("fmt"), "checks/kube/pods.go": source(module + "/checks"), "checks/pod/pod.go": source(module+"/checks", module+"/checks/kube"),
		"checks/node/node.go": source(module + "/checks"), "checks/budget/floor.go": source(module+"/checks", module+"/checks/pod"),
		"checks/node/node_test.go": source(module + "/checks/budget"), "labs/99-other/lab.yaml": source(),
	}
	lab := func(id string, uses ...string) *content.Lab {
		return &content.Lab{ID: id, Steps: []*content.Step{stepWith("one", uses...)}}
	}
	labs := []*content.Lab{lab("a", "node/cordoned"), lab("b", "pdb/floor", "node/cordoned"), lab("c", "pod/there")}
	in := func(folder string) func(string) string { return func(id string) string { return folder + id } }
	for _, c := range []struct {
		name  string
		own   fs.FS
		files []string
		want  string
	}{
		{"nothing", own, nil, ""},
		{"a lab's own folder", own, []string{"labs/a/10-one/en.md"}, "a:labs/a"},
		{"what begins like a lab's folder is not in it", own, []string{"labs/ab/new.md", "labs/99-other/en.md"}, "a:labs/ab/new.md b:labs/ab/new.md c:labs/ab/new.md"},
		{"a lab that is not proved", own, []string{"labs/99-other/en.md"}, ""},
		{"the package of a check", own, []string{"checks/node/node.go"}, "a:checks/node b:checks/node"},
		{"a package that the package of a check imports", own, []string{"checks/pod/pod.go"}, "b:checks/pod c:checks/pod"},
		{"what subjects share", own, []string{"checks/kube/pods.go"}, "b:checks/kube c:checks/kube"},
		{"the framework of checks", own, []string{"checks/types.go"}, "a:checks b:checks c:checks"},
		{"the list of all checks", own, []string{"checks/all/all.go"}, ""},
		{"tests, documents and what only shows", own, []string{"checks/node/node_test.go", "docs/authoring.md", "internal/terminal/proof.go", "engine/play_test.go",
			"engine/cluster/aks/provider.go", "testdata/kindnode/build", "internal/cli/testdata/script/verify.txtar"}, ""},
		{"the engine", own, []string{"docs/a.md", "engine/grading/look.go", "labs/b/lab.yaml"}, "a:engine/grading/look.go b:labs/b c:engine/grading/look.go"},
		{"the program of the control plane", own, []string{"cmd/k8slab-controlplane/go.mod"}, "a:cmd/k8slab-controlplane/go.mod b:cmd/k8slab-controlplane/go.mod c:cmd/k8slab-controlplane/go.mod"},
		{"what nobody has thought of", own, []string{"new.thing"}, "a:new.thing b:new.thing c:new.thing"},
		{"another repository than k8slab's", nil, []string{"engine/grading/look.go", "labs/c/10-one/step.yaml"}, "c:labs/c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := Change{Files: c.files, Folder: in("labs/"), Own: c.own}
			because, err := change.touched(labs, vocabulary)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range labs {
				if why := because[l]; why != "" {
					got = append(got, l.ID+":"+why)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got  %q\nwant %q", strings.Join(got, " "), c.want)
			}
		})
	}
	root := Change{Files: []string{"README.md"}, Folder: func(string) string { return "." }}
	if because, err := root.touched(labs[:1], vocabulary); err != nil || because[labs[0]] != "." {
		t.Errorf("a repository that is a lab: %v, %v", because, err)
	}
}

func TestASampledStepSaysWhatIsLeftOut(t *testing.T) {
	step := stepWith("drain", "x")
	lab := &content.Lab{ID: "11-lab", Steps: []*content.Step{step}}
	s := &stepRun{lab: lab, step: step, plays: map[string][]*play{}, sampled: true}
	s.answers, s.leftOut = (&Selection{Sample: 2}).choose(lab, step, Answers(step))
	selected := (&Selection{Sample: 2, Commit: "c0ffee", Change: &Change{Since: "main"}}).selected([]*content.Lab{lab, {ID: "12-lab"}}, map[*content.Lab]string{lab: "labs/11-lab"})
	r := &run{steps: []*stepRun{s}, queue: newQueue(), repeat: 1, selection: selected}
	result := r.result(false)
	if left := result.Steps[0].LeftOut; left == nil || *left != (LeftOut{AlsoRight: 1, Wrong: 18}) {
		t.Errorf("left out is %v", left)
	}
	if got := fmt.Sprint(*result.Selection); got != "{main c0ffee 2 [{11-lab labs/11-lab}]}" {
		t.Errorf("it tells %s", got)
	}
	var junit strings.Builder
	if err := WriteJUnit(&junit, text.English, false, result); err != nil {
		t.Fatal(err)
	}
	if want := `<skipped message="left out by the sample: 1 other right answers, 18 wrong answers, and near misses">`; !strings.Contains(junit.String(), want) {
		t.Errorf("no %s in %s", want, junit.String())
	}
}

// TestAnotherClusterIsStartedWhereItPays asks the queue for whom it has something to do.
func TestAnotherClusterIsStartedWhereItPays(t *testing.T) {
	labs := []*content.Lab{{ID: "a"}, {ID: "b"}}
	steps := []*stepRun{{lab: labs[0]}, {lab: labs[1]}}
	q := newQueue()
	fill := func(s *stepRun, n int) {
		for range n {
			q.waiting = append(q.waiting, &task{step: s, answer: Answer{Kind: Wrong}})
		}
	}
	at := func(s *stepRun) *worker { return &worker{at: s} }
	fill(steps[0], 2)
	first, second := at(nil), at(nil)
	if !q.anythingFor(first) {
		t.Error("nobody is at the lab, and there is nothing to do")
	}
	q.labs[first], first.at = labs[0], steps[0]
	if q.anythingFor(second) || !q.anythingFor(first) || q.worthAnother() {
		t.Error("another cluster is started for two short answers")
	}
	fill(steps[0], 8)
	if !q.anythingFor(second) || !q.worthAnother() {
		t.Errorf("%v of work are too little for two clusters", q.work(labs[0]))
	}
	q.labs[second], second.at = labs[0], steps[0]
	if q.worthAnother() || q.anythingFor(at(nil)) {
		t.Errorf("%v of work are enough for three clusters", q.work(labs[0]))
	}
	fill(steps[1], 1)
	if !q.anythingFor(at(nil)) || q.labFor(nil) != labs[1] {
		t.Error("nobody goes to the lab that nobody is at")
	}
	if q.labFor(steps[0]) != labs[0] {
		t.Error("a worker leaves its lab")
	}
	steps[0].scripts.add(time.Minute)
	q.labs[at(steps[1])] = labs[1]
	if q.labFor(nil) != labs[0] {
		t.Error("the lab with the most to do for each worker is not the next")
	}
	second.at = nil
	q.arrived(second)
	if q.workersAt(labs[0]) != 1 {
		t.Error("a worker that has lost its cluster is still counted")
	}
}
