package content

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/text"
)

// labYAML is lab.yaml. The doc and ja tags are what an editor says of a field; see schema.go.
type labYAML struct {
	ID       string      `yaml:"id" doc:"What a learner types: the folder's name." ja:"受講者が入力する名前。フォルダーの名前と同じ。"`
	K8slab   string      `yaml:"k8slab,omitempty" doc:"The oldest release of k8slab that the lab works with, such as 0.5." ja:"ラボが動作する最も古い k8slab のリリース。0.5 など。"`
	Title    text.Text   `yaml:"title" doc:"The lab's title, one line." ja:"ラボの題名。1 行。"`
	Summary  text.Text   `yaml:"summary" doc:"What a learner gets out of it, in a sentence or two." ja:"何を学べるか。1、2 文。"`
	Minutes  int         `yaml:"minutes" doc:"How long a learner needs for all of it." ja:"全体にかかる時間 (分)。"`
	Needs    []string    `yaml:"needs,omitempty" doc:"Ids of labs to do first." ja:"先に終えておくラボの id。"`
	Learn    []Link      `yaml:"learn,omitempty" doc:"Microsoft Learn modules beside which the lab is used." ja:"一緒に使う Microsoft Learn のモジュール。"`
	Exams    []string    `yaml:"exams,omitempty" doc:"Exam domains, such as CKA Workloads." ja:"試験の分野。CKA Workloads など。"`
	Cluster  clusterYAML `yaml:"cluster" doc:"The cluster that the lab plays on." ja:"ラボで使うクラスター。"`
	Requires []string    `yaml:"requires,omitempty" doc:"Capabilities that the cluster must have for every step, such as components. What the task of one step needs is in its step.yaml, and what only checks need nowhere." ja:"どのステップでもクラスターに必要な機能。components など。特定のステップの課題に必要なものはその step.yaml に書き、チェックだけが必要とするものは書かない。"`
	History  []string    `yaml:"history,omitempty" doc:"Further resources whose changes are recorded, in full, such as certificates.v1.cert-manager.io. Pods, nodes, disruption budgets and workloads always are." ja:"変化を記録するリソースの追加。certificates.v1.cert-manager.io のように完全な名前で書く。Pod、ノード、PodDisruptionBudget、ワークロードは常に記録される。"`
}

type clusterYAML struct {
	Release       string     `yaml:"release" doc:"The control plane's minor release in quotes, such as \"1.37\"." ja:"コントロールプレーンのマイナーリリース。引用符で囲む。例: \"1.37\"。"`
	RuntimeConfig []string   `yaml:"runtimeConfig,omitempty" doc:"Versions of API groups that the API server serves in addition, as long as its release has them, such as storage.k8s.io/v1beta1." ja:"API サーバーが追加で提供する API グループのバージョン。そのリリースにある間だけ有効。例: storage.k8s.io/v1beta1。"`
	Nodes         []nodeYAML `yaml:"nodes" doc:"The nodes of the cluster." ja:"クラスターの Node。"`
}

type nodeYAML struct {
	Name    string `yaml:"name" doc:"Name of the node." ja:"Node の名前。"`
	Zone    string `yaml:"zone" doc:"Becomes the label topology.kubernetes.io/zone." ja:"ラベル topology.kubernetes.io/zone の値になる。"`
	Pool    string `yaml:"pool" doc:"Becomes the label agentpool, as on AKS." ja:"AKS と同じラベル agentpool の値になる。"`
	Version string `yaml:"version,omitempty" doc:"Minor release of the kubelet; without it, the control plane's." ja:"kubelet のマイナーリリース。書かなければコントロールプレーンと同じ。"`
}

var (
	// word is an id: of a lab, a step, a check, a capability.
	word = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	// minor is a release of Kubernetes without its patch level.
	minor = regexp.MustCompile(`^[1-9]\d*\.\d+$`)
	// ownRelease is a release of k8slab.
	ownRelease = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)(\.(0|[1-9]\d*))?$`)
	// groupVersion is a version of an API group that an API server can be told to serve: "storage.k8s.io/v1beta1".
	groupVersion = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*/v[1-9]\d*((alpha|beta)[1-9]\d*)?$`)
	// labelValue is what Kubernetes takes as the value of a label.
	labelValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)
)

const (
	wordRule  = "use lower-case letters, digits and single hyphens"
	minorRule = `write major and minor, such as "1.37"`
	maxWord   = 63
	// maxMinutes of a lab and maxPoints of a step.
	maxMinutes = 600
	maxPoints  = 100
)

// IsID reports whether s can be the id of a lab, a step or a check: lower-case letters, digits and single hyphens, at
// most 63.
func IsID(s string) bool { return isWord(s) }

func isWord(s string) bool { return len(s) <= maxWord && word.MatchString(s) }

func (l *loader) loadLabFile(root listing, lab *Lab) error {
	if !slices.Contains(root.files, labFile) {
		l.fault(labFile, "", "the file is missing", "every lab has one"+insteadOf(labFile, root.files))
		return nil
	}
	file, ok, err := l.read(labFile)
	if err != nil || !ok {
		return err
	}
	doc, ok := parseDocument(l.path(labFile), file.Data, 1, l.found)
	if !ok {
		return nil
	}
	var y labYAML
	flawless, err := decodeDocument(doc, &y, l.found)
	if err != nil {
		return err
	}
	if flawless {
		l.checkLabFile(doc, y)
	}
	lab.place = place{doc: doc}
	lab.ID, lab.K8slab, lab.Title, lab.Summary, lab.Minutes = y.ID, y.K8slab, y.Title, y.Summary, y.Minutes
	lab.Needs, lab.Learn, lab.Exams, lab.Requires, lab.History = y.Needs, y.Learn, y.Exams, y.Requires, y.History
	lab.Cluster.Release, lab.Cluster.RuntimeConfig = y.Cluster.Release, y.Cluster.RuntimeConfig
	for _, n := range y.Cluster.Nodes {
		lab.Cluster.Nodes = append(lab.Cluster.Nodes, Node(n))
	}
	return nil
}

// OldestK8slab returns what the lab in the folder dir of fsys says in its field k8slab, or "" if that cannot be read.
// It looks at nothing else: a lab for a newer k8slab may have fields that this one does not know.
func OldestK8slab(fsys fs.FS, dir string) string {
	l := &loader{fsys: fsys, dir: dir, found: &faults{}, budget: &budget{}}
	info, err := fs.Lstat(fsys, l.path(labFile))
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	file, ok, err := l.read(labFile)
	if err != nil || !ok {
		return ""
	}
	doc, ok := parseDocument(labFile, file.Data, 1, l.found)
	if !ok {
		return ""
	}
	if value := child(doc.root, "k8slab"); value != nil && ownRelease.MatchString(value.Value) {
		return value.Value
	}
	return ""
}

// insteadOf advises to rename the file that was probably meant to be want, if there is one.
func insteadOf(want string, there []string) string {
	if near, ok := text.Nearest(want, there); ok {
		return fmt.Sprintf("; rename %s to %s", near, want)
	}
	return ""
}

func (l *loader) checkLabFile(doc document, y labYAML) {
	add := l.found.add
	switch folder := path.Base(l.dir); {
	case !isWord(y.ID):
		add(doc.at("id"), "id", fmt.Sprintf("%q is no id", y.ID), wordRule)
	case folder != "." && y.ID != folder:
		add(doc.at("id"), "id", fmt.Sprintf("the id is %q, but the folder is %q", y.ID, folder), "give both the same name")
	}
	if y.K8slab != "" && !ownRelease.MatchString(y.K8slab) {
		add(doc.at("k8slab"), "k8slab", fmt.Sprintf("%q is no release of k8slab", y.K8slab), `write the oldest that the lab works with, such as "0.5"`)
	}
	l.oneLineText(doc, y.Title, "title")
	if y.Minutes < 1 || y.Minutes > maxMinutes {
		add(doc.at("minutes"), "minutes", fmt.Sprintf("%d minutes are out of range", y.Minutes), fmt.Sprintf("write a number from 1 to %d", maxMinutes))
	}
	l.checkWords(doc, "needs", y.Needs)
	if i := slices.Index(y.Needs, y.ID); i >= 0 {
		add(doc.at("needs", i), indexed("needs", i), "the lab needs itself", "remove it")
	}
	l.checkWords(doc, "requires", y.Requires)
	l.checkRepeated(doc, "exams", y.Exams)
	l.checkRepeated(doc, "history", y.History)
	for i, link := range y.Learn {
		l.oneLineText(doc, link.Title, "learn", i, "title")
		if u, err := url.Parse(link.URL); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			add(doc.at("learn", i, "url"), indexed("learn", i)+".url", fmt.Sprintf("%q is no link", link.URL), "write an address that begins with https://")
		}
	}
	l.checkCluster(doc, y.Cluster)
}

func (l *loader) checkCluster(doc document, c clusterYAML) {
	add := l.found.add
	if !minor.MatchString(c.Release) {
		add(doc.at("cluster", "release"), "cluster.release", fmt.Sprintf("%q is no release", c.Release), minorRule)
	}
	for i, gv := range c.RuntimeConfig {
		if !groupVersion.MatchString(gv) {
			add(doc.at("cluster", "runtimeConfig", i), indexed("cluster.runtimeConfig", i), fmt.Sprintf("%q is no version of an API group", gv),
				"write group and version, such as storage.k8s.io/v1beta1")
		}
		if first := slices.Index(c.RuntimeConfig, gv); first < i {
			add(doc.at("cluster", "runtimeConfig", i), indexed("cluster.runtimeConfig", i), fmt.Sprintf("%q is there twice", gv), "keep one of them")
		}
	}
	names := map[string]int{}
	for i, n := range c.Nodes {
		field := indexed("cluster.nodes", i)
		at := func(key string) Position { return doc.at("cluster", "nodes", i, key) }
		if !isWord(n.Name) {
			add(at("name"), field+".name", fmt.Sprintf("%q is no name of a node", n.Name), wordRule)
		}
		if first, taken := names[n.Name]; taken {
			add(at("name"), field+".name", fmt.Sprintf("the name %q is taken by nodes[%d]", n.Name, first), "choose another one")
		} else {
			names[n.Name] = i
		}
		for _, label := range []struct{ key, value string }{{"zone", n.Zone}, {"pool", n.Pool}} {
			if !labelValue.MatchString(label.value) {
				add(at(label.key), field+"."+label.key, fmt.Sprintf("%q cannot be the value of a label", label.value),
					"use letters, digits, hyphens, dots and underscores, at most 63")
			}
		}
		if n.Version != "" && !minor.MatchString(n.Version) {
			add(at("version"), field+".version", fmt.Sprintf("%q is no release", n.Version), minorRule)
		}
	}
}

// checkWords finds entries that are not ids, and entries that occur twice.
func (l *loader) checkWords(doc document, field string, list []string) {
	for i, s := range list {
		if !isWord(s) {
			l.found.add(doc.at(field, i), indexed(field, i), fmt.Sprintf("%q is no id", s), wordRule)
		}
	}
	l.checkRepeated(doc, field, list)
}

func (l *loader) checkRepeated(doc document, field string, list []string) {
	for i, s := range list {
		if first := slices.Index(list, s); first < i {
			l.found.add(doc.at(field, i), indexed(field, i), fmt.Sprintf("%q is there twice, first as %s", s, indexed(field, first)), "keep one of them")
		}
	}
}

// oneLineText requires both languages of the text at the path to be one line, as a title has to be.
func (l *loader) oneLineText(doc document, t text.Text, at ...any) {
	field := fieldAt("", at)
	for _, lang := range text.Langs {
		oneLine(doc.at(append(slices.Clone(at), string(lang))...), dotted(field, string(lang)), t.In(lang), l.found)
	}
}

func oneLine(at Position, field, s string, found *faults) {
	if strings.ContainsAny(s, "\n\t") {
		found.add(at, field, "a title has to be one line", "remove line breaks and tabs")
	}
}
