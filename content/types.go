package content

import (
	"io/fs"
	"path"

	"github.com/k8slab/k8slab/text"
)

// Origin is where a lab came from. The zero value means that it came with k8slab.
type Origin struct {
	// Source is an address that package source can read again: the absolute path of a folder, or a repository with the
	// ref and the folder in it that were asked for.
	Source string `json:"source,omitempty"`
	// Commit of the repository, in full; empty for a folder, which is read as it is now.
	Commit string `json:"commit,omitempty"`
}

// IsZero reports whether the lab came with k8slab.
func (o Origin) IsZero() bool { return o == Origin{} }

// Lab is a folder of exercises that share a cluster.
type Lab struct {
	// ID is the folder's name and what a learner types: "11-maintenance".
	ID      string
	Title   text.Text
	Summary text.Text
	// Origin is set by whoever loads labs from elsewhere.
	Origin Origin
	// K8slab is the oldest release of k8slab that the lab works with, for example "0.5"; empty means any.
	K8slab string
	// Minutes that a learner needs for the whole lab.
	Minutes int
	// Needs lists the ids of labs to do first.
	Needs []string
	// Learn lists the Microsoft Learn modules beside which the lab is meant to be used.
	Learn []Link
	// Exams lists exam domains, for example "CKA Workloads".
	Exams []string
	// Cluster is the cluster that the lab plays on.
	Cluster ClusterShape
	// Requires lists capabilities that the cluster must have for every step, for example "components".
	Requires []string
	// History lists further resources whose changes are recorded, as kubectl writes them in full:
	// "certificates.v1.cert-manager.io". Changes of pods, nodes, disruption budgets and workloads always are.
	History []string
	// Setup is applied before the setup of each step.
	Setup []File
	// Steps in the order in which they are played; never empty.
	Steps []*Step

	// FS is the lab's own folder, for messages and for proving content.
	FS fs.FS

	// dir is the lab's folder in the file system that it was loaded from.
	dir string
	// place is lab.yaml.
	place place
}

// At returns the position of a line in one of the lab's files. file is relative to the lab's folder.
func (l *Lab) At(file string, line int) Position {
	return Position{File: path.Join(l.dir, file), Line: line}
}

// Wrong is an error about the value at the path in lab.yaml, for example "requires", 0.
func (l *Lab) Wrong(problem, fix string, path ...any) Error { return l.place.wrong(problem, fix, path) }

// Step returns the step with the id, which is the folder's name without its number.
func (l *Lab) Step(id string) (*Step, bool) {
	for _, s := range l.Steps {
		if s.ID == id {
			return s, true
		}
	}
	return nil, false
}

// Points that the whole lab is worth.
func (l *Lab) Points() int {
	sum := 0
	for _, s := range l.Steps {
		sum += s.Points
	}
	return sum
}

// Link names a page elsewhere.
type Link struct {
	Title text.Text `yaml:"title" doc:"Title of the page." ja:"ページの題名。"`
	URL   string    `yaml:"url" doc:"Address that begins with https://." ja:"https:// で始まるアドレス。"`
}

// ClusterShape is what a lab needs of its cluster.
type ClusterShape struct {
	// Release is the control plane's minor release, for example "1.37".
	Release string
	// RuntimeConfig lists group versions that the API server serves besides those that it serves by itself, for example
	// "storage.k8s.io/v1beta1", as long as its release has them (--runtime-config).
	RuntimeConfig []string
	Nodes         []Node
}

// Node is one node of the cluster.
type Node struct {
	Name string
	// Zone becomes the label topology.kubernetes.io/zone.
	Zone string
	// Pool becomes the label agentpool, as on AKS.
	Pool string
	// Version of the kubelet, for example "1.37"; empty means the control plane's.
	Version string
}

// Step is one exercise.
type Step struct {
	// ID is the folder's name without its number: "drain" for 10-drain.
	ID string
	// Dir is the folder's name: "10-drain".
	Dir string
	// Points for passing every check without hints.
	Points int
	Checks []Check
	// Invariants hold from the start and must still hold at the end.
	Invariants []Check
	// Hints, least telling first. The texts are in the lessons.
	Hints []Hint
	// Lessons has one entry for each of Langs.
	Lessons map[text.Lang]*Lesson
	// Setup is the starting state: data that is applied through the API.
	Setup []File
	// Requires lists capabilities that the cluster must have for the task, besides those that the lab requires.
	// Capabilities that only checks need are not in it.
	Requires []string
	// Cluster says how the cluster differs from the lab's when the step starts.
	Cluster StepCluster
	// Solution is what a learner would type, AlsoRight and Wrong other answers. They run only to prove the content.
	Solution  File
	AlsoRight []File
	Wrong     []WrongAnswer
	// Accepts lists answers that no author wrote and that rightly pass: see package verify.
	Accepts []Accepted

	place place
}

// StepCluster says how the cluster at the start of a step differs from the lab's.
type StepCluster struct {
	// Release of the control plane; empty means the lab's.
	Release string
	// Kubelets holds the releases of kubelets by name of the node; a node that is not in it has the lab's.
	Kubelets map[string]string
}

// Mistake is an error about the value at the path in step.yaml, for example "cluster", "release", or "requires", 0.
func (s *Step) Mistake(problem, fix string, path ...any) Error {
	return s.place.wrong(problem, fix, path)
}

// Title of the step.
func (s *Step) Title() text.Text {
	return text.Text{EN: s.Lessons[text.English].Title, JA: s.Lessons[text.Japanese].Title}
}

// Check binds a name of the vocabulary to parameters.
type Check struct {
	// ID is unique among the checks and invariants of its step; wrong answers name it.
	ID string
	// Use is a name of the vocabulary, for example "pdb/allows-eviction".
	Use  string
	With Params
	// After lists ids of checks without which this one makes no sense: it is blocked until they pass.
	After []string
	// Title says what the check asks for, in a few words.
	Title text.Text
	// At is where the check stands, for errors.
	At Position

	place place
}

// Wrong is an error about the value at the path within the check, for example "use".
func (c Check) Wrong(problem, fix string, path ...any) Error {
	e := c.place.wrong(problem, fix, path)
	if e.Position == (Position{}) {
		e.Position = c.At
	}
	return e
}

// Accepted says that near misses, which are derived from the solution, are right answers.
type Accepted struct {
	// NearMiss is a pattern of ids as path.Match has it: "off-by-one/deployment/shop/web/*".
	NearMiss string
	Reason   text.Text
	// At is where the entry stands, for errors.
	At Position
}

// Hint is one level of help.
type Hint struct {
	// Cost in points of taking this level.
	Cost int
}

// Lesson is a step's text in one language, as Markdown.
type Lesson struct {
	Title string
	// Intro teaches; Task says what to do; Debrief is shown once the step has passed.
	Intro, Task, Debrief string
	// Hints has as many entries as the step has hint levels.
	Hints []string
	// Notes for one kind of cluster, by provider name: "embedded", "kind", "aks".
	Notes map[string]string
}

// File is one file of a lab.
type File struct {
	// Path is relative to the lab's folder, with slashes.
	Path string
	Data []byte
}

// WrongAnswer is a script that must fail exactly one check.
type WrongAnswer struct {
	File
	// Fails is the check id of the script's first line, "# fails: <check id>".
	Fails string
}
