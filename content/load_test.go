package content_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/text"
)

func TestAValidLabComesOutAsItWasWritten(t *testing.T) {
	lab, err := content.Load(validFiles(), "11-first")
	if err != nil {
		t.Fatal(err)
	}
	step, ok := lab.Step("drain")
	if !ok {
		t.Fatal("there is no step drain")
	}
	lesson := step.Lessons[text.English]
	for _, c := range []struct{ what, got, want string }{
		{"id", lab.ID, "11-first"},
		{"Japanese title", lab.Title.In(text.Japanese), "最初"},
		{"release", lab.Cluster.Release, "1.37"},
		{"kubelet of the second node", lab.Cluster.Nodes[1].Version, "1.36"},
		{"file of the lab's set-up", lab.Setup[0].Path, "setup/00-namespace.yaml"},
		{"folder of the step", step.Dir, "10-drain"},
		{"title of the step", step.Title().EN, "Drain"},
		{"place of the second check", step.Checks[1].At.String(), "11-first/10-drain/step.yaml:7"},
		{"what the wrong answer fails", step.Wrong[0].Fails, "drained"},
		{"introduction", lesson.Intro, "Read this.\n\n# A heading of its own\n\n```sh\n# Look around.\nkubectl get nodes\n```"},
		{"task", lesson.Task, "## Your task\n\nDo it."},
		{"first hint", lesson.Hints[0], "Think."},
		{"debrief", lesson.Debrief, "## What happened\n\nIt worked."},
		{"note", lesson.Notes["embedded"], "## Note\n\nIt is simulated."},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
	if lab.Points() != 10 || len(step.Hints) != 2 || step.Hints[1].Cost != 4 || len(step.Invariants) != 1 {
		t.Errorf("points, hints or invariants are wrong: %+v", step)
	}
	if data, err := fs.ReadFile(lab.FS, "10-drain/solution.sh"); err != nil || string(data) != string(step.Solution.Data) {
		t.Errorf("the lab's file system does not hold the solution: %v", err)
	}
}

func TestWhatIsWrongWithALabIsSaidInOneLine(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	for _, c := range []struct {
		name    string
		changes []change
		want    string
	}{
		{"an unknown field suggests the near one", []change{inLab("minutes:", "minuts:")},
			`11-first/lab.yaml:4: minuts: there is no such field; did you mean "minutes"?`},
		{"a missing field is named", []change{inLab("minutes: 30\n", "")},
			`11-first/lab.yaml:1: minutes: the field is missing; add it: a whole number`},
		{"a field that is there twice names the first line", []change{inLab("minutes: 30\n", "minutes: 30\nid: 11-first\n")},
			`11-first/lab.yaml:5: id: the field is there twice, first on line 1; keep one of them`},
		{"an unquoted release is a number", []change{inLab(`"1.37"`, "1.37")},
			`11-first/lab.yaml:11: cluster.release: 1.37 is not a string in YAML; put it in quotes: "1.37"`},
		{"a wrong type is said", []change{inLab("minutes: 30", "minutes: long")},
			`11-first/lab.yaml:4: minutes: it is the string "long"; write a whole number`},
		{"a number that overflows is out of range", []change{inLab("minutes: 30", "minutes: 99999999999999999999")},
			`11-first/lab.yaml:4: minutes: it is 99999999999999999999; write a whole number`},
		{"minutes have a range", []change{inLab("minutes: 30", "minutes: 0")},
			`11-first/lab.yaml:4: minutes: 0 minutes are out of range; write a number from 1 to 600`},
		{"the id is the folder's name", []change{inLab("id: 11-first", "id: 12-first")},
			`11-first/lab.yaml:1: id: the id is "12-first", but the folder is "11-first"; give both the same name`},
		{"a release of k8slab is major and minor", []change{inLab("minutes: 30", "k8slab: newest\nminutes: 30")},
			`11-first/lab.yaml:4: k8slab: "newest" is no release of k8slab; write the oldest that the lab works with, such as "0.5"`},
		{"one language alone is not enough", []change{inLab("{en: First, ja: 最初}", "{en: First}")},
			`11-first/lab.yaml:2: title.ja: the field is missing; add it: a string`},
		{"an empty text is no text", []change{inLab("ja: 最初", `ja: " "`)},
			`11-first/lab.yaml:2: title.ja: it is empty; write something`},
		{"a field without a value is not a default", []change{inLab("minutes: 30", "minutes:")},
			`11-first/lab.yaml:4: minutes: it has no value; write a whole number, or remove the field`},
		{"nodes have different names", []change{inLab("name: worker-2", "name: worker-1")},
			`11-first/lab.yaml:14: cluster.nodes[1].name: the name "worker-1" is taken by nodes[0]; choose another one`},
		{"a cluster has nodes", []change{inLab("  nodes:\n    - {name: worker-1, zone: z1, pool: apps}\n    - {name: worker-2, zone: z2, pool: apps, version: \"1.36\"}\n", "  nodes: []\n")},
			`11-first/lab.yaml:12: cluster.nodes: the list is empty; put at least one entry into it`},
		{"a link is https", []change{inLab("https://", "javascript://")},
			`11-first/lab.yaml:8: learn[0].url: "javascript://learn.microsoft.com/training/" is no link; write an address that begins with https://`},
		{"an alias is refused", []change{inLab("exams: [CKA Workloads]", "exams: [&a CKA, *a]")},
			`11-first/lab.yaml:9: exams[0]: YAML anchors and aliases are not allowed in a lab; write the value out`},
		{"a tag is refused", []change{inLab("id: 11-first", "id: !!binary aGVsbG8=")},
			`11-first/lab.yaml:1: id: the YAML tag !!binary is not allowed in a lab; remove the tag`},
		{"an escape sequence is refused", []change{inLab("A lab.", `"\e[31mA lab."`)},
			`11-first/lab.yaml:3: summary.en: the value holds the control character U+001B; remove it`},
		{"broken YAML is said with its line", []change{inLab("minutes: 30", "minutes: [30")},
			`11-first/lab.yaml:`},
		{"an accepted near miss has a reason in both languages", []change{inStep("hints:", "accepts:\n  - near-miss: reverted\n    reason: {en: so be it}\nhints:")},
			`11-first/10-drain/step.yaml:19: accepts[0].reason.ja: the field is missing; add it: a string`},
		{"an accepted near miss is a pattern", []change{inStep("hints:", "accepts:\n  - {near-miss: \"[\", reason: {en: so be it, ja: 構わない}}\nhints:")},
			`11-first/10-drain/step.yaml:18: accepts[0].near-miss: "[" is no pattern; write the id of a near miss; * stands for any part of it but a slash`},
		{"a near miss is accepted once", []change{inStep("hints:", "accepts:\n  - {near-miss: reverted, reason: {en: so be it, ja: 構わない}}\n  - {near-miss: reverted, reason: {en: so be it, ja: 構わない}}\nhints:")},
			`11-first/10-drain/step.yaml:19: accepts[1].near-miss: "reverted" is accepted by accepts[0] already; keep one of them`},
		{"lab.yaml is there", []change{remove("lab.yaml"), write("lab.yml", validLab)},
			`11-first/lab.yaml: the file is missing; every lab has one; rename lab.yml to lab.yaml`},
		{"an unknown file suggests the near one", []change{write("10-drain/solutions.sh", "kubectl")},
			`11-first/10-drain/solutions.sh: there is no such file in a lab; did you mean "solution.sh"?`},
		{"an unknown folder suggests the near one", []change{write("10-drain/wrongs/a.sh", "kubectl")},
			`11-first/10-drain/wrongs: a step has no such folder; did you mean "wrong"?`},
		{"a folder that is no step", []change{write("drain/step.yaml", validStep)},
			`11-first/drain: the folder is no step; name it by number and id, such as 10-drain, or remove it`},
		{"step numbers differ", []change{copyStep("10-uncordon")},
			`11-first/10-uncordon: the step number 10 is taken by 10-drain; choose another one`},
		{"step ids differ", []change{copyStep("20-drain")},
			`11-first/20-drain: the step id drain is taken by 10-drain; choose another one`},
		{"a file that is too large", []change{write("10-drain/solution.sh", long)},
			`11-first/10-drain/solution.sh: the file is larger than 256 KiB; make it smaller`},
		{"a link out of the folder", []change{func(f fstest.MapFS) {
			f["11-first/10-drain/setup/passwd.yaml"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("/etc/passwd")}
		}},
			`11-first/10-drain/setup/passwd.yaml: it is neither a regular file nor a folder; put a copy of the file here`},
		{"a set-up that is no YAML file", []change{write("setup/run.sh", "rm")},
			`11-first/setup/run.sh: only .yaml files can be applied; did you mean "run.yaml"?`},
		{"a set-up object without a name", []change{edit("setup/00-namespace.yaml", "  name: shop", "  labels: {}")},
			`11-first/setup/00-namespace.yaml:4: metadata.name: the field is missing; add it: a string`},
		{"an empty set-up", []change{write("setup/00-namespace.yaml", "# nothing\n")},
			`11-first/setup/00-namespace.yaml: there is nothing in it; write the objects, or remove the file`},

		{"points have a range", []change{inStep("points: 10", "points: 101")},
			`11-first/10-drain/step.yaml:1: points: 101 points are out of range; write a number from 1 to 100`},
		{"hints cost no more than the step is worth", []change{inStep("cost: 4", "cost: 40")},
			`11-first/10-drain/step.yaml:18: hints: all hints together cost 40 points, but the step is worth 10; make them cheaper`},
		{"ids of checks are unique, invariants too", []change{inStep("id: nodes-kept", "id: drained")},
			`11-first/10-drain/step.yaml:13: invariants[0].id: the id "drained" is taken by checks[1]; choose another one`},
		{"a check's name has two parts", []change{inStep("use: node/exists", "use: exists")},
			`11-first/10-drain/step.yaml:14: invariants[0].use: "exists" is no name of a check; write one such as pdb/allows-eviction`},
		{"after names a check", []change{inStep("after: [cordoned]", "after: [cordon]")},
			`11-first/10-drain/step.yaml:11: checks[1].after[0]: no check has the id "cordon"; did you mean "cordoned"?`},
		{"checks do not wait for each other", []change{inStep("    with: {node: worker-1}\n", "    with: {node: worker-1}\n    after: [drained]\n")},
			`11-first/10-drain/step.yaml:7: checks[0].after: the checks wait for each other: cordoned → drained → cordoned; remove one of these from its after`},
		{"a check does not wait for itself", []change{inStep("after: [cordoned]", "after: [drained]")},
			`11-first/10-drain/step.yaml:11: checks[1].after: the checks wait for each other: drained → drained; remove one of these from its after`},
		{"with is a mapping", []change{inStep("{nodes: [worker-1]}", "[worker-1]")},
			`11-first/10-drain/step.yaml:16: invariants[0].with: it is a list; write a mapping of the check's parameters`},

		{"a wrong answer says what it fails", []change{write("10-drain/wrong/idle.sh", "kubectl cordon worker-1\n")},
			`11-first/10-drain/wrong/idle.sh:1: the first line does not say which check the answer fails; begin the file with # fails: and a check's id`},
		{"a wrong answer names a check", []change{edit("10-drain/wrong/idle.sh", "drained", "drainde")},
			`11-first/10-drain/wrong/idle.sh:1: no check of the step has the id "drainde"; did you mean "drained"?`},
		{"a step has a solution", []change{remove("10-drain/solution.sh")},
			`11-first/10-drain/solution.sh: the file is missing; write what a learner would type`},
		{"a step has wrong answers", []change{remove("10-drain/wrong/idle.sh")},
			`11-first/10-drain/wrong: the folder is missing; write at least one of the wrong answers`},
		{"a step has other right answers", []change{remove("10-drain/also-right/other.sh")},
			`11-first/10-drain/also-right: the folder is missing; write at least one of the other right answers`},
		{"a script does something", []change{write("10-drain/solution.sh", "# later\n")},
			`11-first/10-drain/solution.sh: the script does nothing; write its commands`},
		{"a script is UTF-8", []change{write("10-drain/solution.sh", "kubectl \xff\n")},
			`11-first/10-drain/solution.sh:1: the line is not valid UTF-8; save the file as UTF-8`},
		{"a script has Unix line ends", []change{write("10-drain/solution.sh", "kubectl\r\n")},
			`11-first/10-drain/solution.sh:1: the line ends with a carriage return; save the file with Unix line ends`},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong := loadErrors(t, c.changes...)
			if !slices.ContainsFunc(wrong, func(e content.Error) bool {
				return e.Error() == c.want || strings.HasSuffix(c.want, ":") && strings.HasPrefix(e.Error(), c.want)
			}) {
				t.Errorf("got\n%v\nwant\n%s", wrong, c.want)
			}
		})
	}
}

func TestEveryErrorOfEveryLabIsReportedAtOnce(t *testing.T) {
	files := validFiles()
	for name, file := range validFiles() {
		files["12-second"+strings.TrimPrefix(name, "11-first")] = file
	}
	for _, c := range []change{inLab("minutes: 30", "minutes: 0"), inStep("points: 10", "points: 0"), remove("10-drain/ja.md")} {
		c(files)
	}
	files["13-third/lab.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(validLab, "11-first", "13-third", 1))}
	files["README.md"] = &fstest.MapFile{}
	files["docs/guide.md"] = &fstest.MapFile{}

	good, err := content.LoadAll(files)
	if len(good) != 0 {
		t.Errorf("%d labs are without a fault, want none", len(good))
	}
	for _, want := range []string{
		"11-first/lab.yaml:4: minutes:", "11-first/10-drain/step.yaml:1: points:", "11-first/10-drain/ja.md: the lesson is missing",
		`12-second/lab.yaml:1: id:`, "13-third: the lab has no steps",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the errors lack %q:\n%v", want, err)
		}
	}
}

func TestLabsWithoutAFaultAreLoadedInOrderBesideABrokenOne(t *testing.T) {
	files := validFiles()
	for name, file := range validFiles() {
		files["01-zero"+strings.TrimPrefix(name, "11-first")] = file
	}
	files["01-zero/lab.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(validLab, "11-first", "01-zero", 1))}
	files["05-broken/lab.yaml"] = &fstest.MapFile{Data: []byte("[]")}
	good, err := content.LoadAll(files)
	if err == nil || !strings.Contains(err.Error(), "05-broken/lab.yaml:1: it is a list; write a mapping") {
		t.Errorf("the broken lab is not reported: %v", err)
	}
	if len(good) != 2 || good[0].ID != "01-zero" || good[1].ID != "11-first" {
		t.Errorf("got %v", good)
	}
}

func TestALabFromADirectoryThatIsALinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, validFiles()); err != nil {
		t.Fatal(err)
	}
	if _, err := content.Load(os.DirFS(dir), "11-first"); err != nil {
		t.Fatalf("the lab cannot be loaded from a directory: %v", err)
	}
	if _, err := content.Load(os.DirFS(dir+"/11-first"), "."); err != nil {
		t.Fatalf("the lab cannot be loaded from its own folder: %v", err)
	}
	if err := os.Symlink(dir+"/11-first", dir+"/12-link"); err != nil {
		t.Fatal(err)
	}
	if _, err := content.Load(os.DirFS(dir), "12-link"); err == nil || !strings.Contains(err.Error(), "a lab is a folder") {
		t.Errorf("a linked folder was taken for a lab: %v", err)
	}
}

func FuzzLoadNeverPanicsAndNamesTheFile(f *testing.F) {
	f.Add(validLab, validStep, validEnglish)
	f.Add("a: &a [*a]", "checks: [{after: [x]}]", "---\n---\n## {#task}\n")
	f.Add("? [a]: b", "- 1", "## a {#task}\n```\n")
	f.Fuzz(func(t *testing.T, lab, step, lesson string) {
		files := validFiles()
		write("lab.yaml", lab)(files)
		write("10-drain/step.yaml", step)(files)
		write("10-drain/en.md", lesson)(files)
		_, err := content.Load(files, "11-first")
		if err == nil {
			return
		}
		for _, e := range err.(content.Errors) {
			if !strings.HasPrefix(e.File, "11-first") || e.Problem == "" || e.Fix == "" {
				t.Errorf("the error does not say where, what and what to do: %#v", e)
			}
		}
	})
}
