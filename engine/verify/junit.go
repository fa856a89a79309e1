package verify

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/text"
)

// The elements of JUnit XML that CI systems read; there is no specification, but Jenkins, GitHub and GitLab agree about
// these (https://github.com/testmoapp/junitxml).
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Skipped *junitSkipped `xml:"skipped"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the results as JUnit XML: a suite for each step, a case for each answer and each near miss, and one
// for what the step lacks. byCluster lets the suites' names begin with the kind of cluster.
func WriteJUnit(w io.Writer, lang text.Lang, byCluster bool, results ...*Result) error {
	all := junitSuites{Name: "k8slab verify"}
	var took time.Duration
	for _, r := range results {
		prefix := ""
		if byCluster {
			prefix = r.Cluster + ": "
		}
		all.add(r, prefix, lang)
		took += r.Elapsed
	}
	all.Time = junitTime(took)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (all *junitSuites) add(r *Result, prefix string, lang text.Lang) {
	for _, s := range r.Steps {
		suite := s.junit(lang)
		suite.Name = prefix + suite.Name
		all.Tests += suite.Tests
		all.Failures += suite.Failures
		all.Suites = append(all.Suites, suite)
	}
}

func (s StepResult) junit(lang text.Lang) junitSuite {
	suite := junitSuite{Name: s.Lab + "/" + s.Step, Time: junitTime(s.Work)}
	add := func(name string, took time.Duration, f *junitFailure) {
		suite.Tests++
		if f != nil {
			suite.Failures++
		}
		suite.Cases = append(suite.Cases, junitCase{Class: s.Lab + "." + s.Step, Name: name, Time: junitTime(took), Failure: f})
	}
	if why := s.Unplayable; why != nil {
		suite.Tests, suite.Skipped = 1, 1
		suite.Cases = []junitCase{{Class: s.Lab + "." + s.Step, Name: "step.yaml", Time: junitTime(0), Skipped: &junitSkipped{Message: why.In(lang)}}}
		return suite
	}
	for _, a := range s.Answers {
		var f *junitFailure
		if !a.Passed {
			f = failure(string(a.Kind), textsIn(a.Problems, lang))
			if a.Transcript != "" {
				f.Text += "\n\n" + a.Transcript
			}
		}
		add(a.Name, a.Elapsed, f)
	}
	for _, n := range s.NearMisses {
		var f *junitFailure
		if !n.Good() {
			f = failure(string(n.Outcome), append([]string{n.Does.In(lang)}, textsIn(n.Problems, lang)...))
		}
		add(string(NearMiss)+" "+n.ID, n.Elapsed, f)
	}
	if s.Unplayed > 0 {
		suite.Tests++
		suite.Skipped++
		why := text.New("not played, as the run ended early: %d", "途中で終わったため実行していないもの: %d 件", s.Unplayed)
		suite.Cases = append(suite.Cases, junitCase{Class: s.Lab + "." + s.Step, Name: "unplayed", Time: junitTime(0), Skipped: &junitSkipped{Message: why.In(lang)}})
	}
	if left := s.LeftOut; left != nil && left.AlsoRight+left.Wrong > 0 {
		suite.Tests++
		suite.Skipped++
		why := text.New("left out by the sample: %d other right answers, %d wrong answers, and near misses",
			"抜き取りのため実行していないもの: 別解 %d 件、誤答 %d 件、ニアミス", left.AlsoRight, left.Wrong)
		suite.Cases = append(suite.Cases, junitCase{Class: s.Lab + "." + s.Step, Name: "left out", Time: junitTime(0), Skipped: &junitSkipped{Message: why.In(lang)}})
	}
	var lacks []string
	for _, p := range s.Unkilled {
		lacks = append(lacks, fmt.Sprintf("%s: %s", p, text.Text{EN: "no wrong answer fails " + p.ID, JA: p.ID + " に不合格となる誤答がありません"}.In(lang)))
	}
	for _, p := range s.Unused {
		lacks = append(lacks, fmt.Sprintf("%s: %s", p, text.Text{EN: "nothing that survived is called " + p.ID, JA: p.ID + " に当てはまる、合格したニアミスがありません"}.In(lang)))
	}
	var f *junitFailure
	if len(lacks) > 0 {
		f = failure("step", lacks)
	}
	add("step.yaml", 0, f)
	return suite
}

// String is "file:line".
func (p Place) String() string { return content.Position{File: p.File, Line: p.Line}.String() }

func failure(kind string, lines []string) *junitFailure {
	first := kind
	if len(lines) > 0 {
		first = lines[0]
	}
	return &junitFailure{Message: first, Type: kind, Text: strings.Join(lines, "\n")}
}

func textsIn(texts []text.Text, lang text.Lang) []string {
	var lines []string
	for _, t := range texts {
		lines = append(lines, t.In(lang))
	}
	return lines
}

// junitTime is in seconds.
func junitTime(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
