package content

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/text"
)

// stepYAML is step.yaml. The doc and ja tags are what an editor says of a field; see schema.go.
type stepYAML struct {
	Points     int            `yaml:"points" doc:"What the step is worth without hints." ja:"ヒントなしで合格したときの点数。"`
	Checks     []checkYAML    `yaml:"checks" doc:"What the learner has to bring about; each fails at the start." ja:"受講者が実現すること。開始時にはどれも不合格になる。"`
	Invariants []checkYAML    `yaml:"invariants,omitempty" doc:"What holds from the start and must still hold at the end." ja:"開始時から成り立ち、最後まで成り立っていなければならないこと。"`
	Hints      []hintYAML     `yaml:"hints,omitempty" doc:"Levels of help, the least telling first; their texts are in the lessons." ja:"ヒントの段階。控えめなものから順に。文章はレッスンに書く。"`
	Accepts    []acceptedYAML `yaml:"accepts,omitempty" doc:"Near misses of k8slab verify that are right answers." ja:"k8slab verify のニアミスのうち、正しい回答と認めるもの。"`

	Requires []string        `yaml:"requires,omitempty" doc:"Capabilities that the cluster must have for the task of this step, besides those that the lab requires. What only checks need is not listed: where it is lacking they are left out." ja:"このステップの課題のためにクラスターに必要な機能。ラボの requires に加えて必要なものを書く。チェックだけが必要とする機能は書かない。その機能がなければ、チェックのほうが省かれる。"`
	Cluster  stepClusterYAML `yaml:"cluster,omitempty" doc:"In what the cluster differs from the lab's when the step starts." ja:"ステップの開始時に、クラスターがラボの定義と異なる点。"`
}

type stepClusterYAML struct {
	Release  string            `yaml:"release,omitempty" doc:"The control plane's minor release at the start, not older than the lab's." ja:"開始時のコントロールプレーンのマイナーリリース。ラボのリリース以上。"`
	Kubelets map[string]string `yaml:"kubelets,omitempty" doc:"The kubelet's minor release at the start, by name of the node." ja:"開始時の kubelet のマイナーリリース。Node 名ごとに書く。"`
}

type acceptedYAML struct {
	NearMiss string    `yaml:"near-miss" doc:"Id of a near miss; * stands for any part of it but a slash." ja:"ニアミスの ID。* はスラッシュ以外の任意の部分に当てはまる。"`
	Reason   text.Text `yaml:"reason" doc:"Why it is right by the lab's own words." ja:"ラボの文章に照らして、なぜ正しいか。"`
}

type checkYAML struct {
	ID    string    `yaml:"id" doc:"Unique in the step; wrong answers name it." ja:"ステップの中で一つだけの名前。誤答のファイルがこの名前を挙げる。"`
	Use   string    `yaml:"use" doc:"A name of the vocabulary; k8slab checks lists it." ja:"チェックの名前。k8slab checks で一覧を表示できる。"`
	Title text.Text `yaml:"title" doc:"What the check asks for, in a few words." ja:"何を求めるか。短い言葉で。"`
	With  Params    `yaml:"with,omitempty" doc:"The check's parameters." ja:"チェックのパラメーター。"`
	After []string  `yaml:"after,omitempty" doc:"Ids of checks without which this one makes no sense: it is blocked until they pass." ja:"先に合格していなければならないチェックの id。それまで採点は保留になる。"`
}

type hintYAML struct {
	Cost int `yaml:"cost" doc:"Points that the hint costs." ja:"ヒントを見ると引かれる点数。"`
}

// checkName is a name of the vocabulary: "pdb/allows-eviction". Whether the vocabulary has that name is not content's
// to know.
var checkName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*$`)

func (l *loader) loadStepFile(entries listing, dir string, step *Step) error {
	name := path.Join(dir, stepFile)
	if !slices.Contains(entries.files, stepFile) {
		l.fault(name, "", "the file is missing", "every step has one"+insteadOf(stepFile, entries.files))
		return nil
	}
	file, ok, err := l.read(name)
	if err != nil || !ok {
		return err
	}
	doc, ok := parseDocument(l.path(name), file.Data, 1, l.found)
	if !ok {
		return nil
	}
	var y stepYAML
	if _, err := decodeDocument(doc, &y, l.found); err != nil {
		return err
	}
	// Half a step file is still worth looking into: the number of hints is wanted for the lessons, the ids of checks
	// for the wrong answers, and an author wants all errors at once.
	step.Points = y.Points
	step.Checks = l.checksOf(doc, "checks", y.Checks)
	step.Invariants = l.checksOf(doc, "invariants", y.Invariants)
	for _, h := range y.Hints {
		step.Hints = append(step.Hints, Hint(h))
	}
	for i, a := range y.Accepts {
		step.Accepts = append(step.Accepts, Accepted{NearMiss: a.NearMiss, Reason: a.Reason, At: doc.at("accepts", i)})
	}
	step.place = place{doc: doc}
	step.Requires, step.Cluster = y.Requires, StepCluster(y.Cluster)
	l.checkWords(doc, "requires", y.Requires)
	l.checkStepCluster(doc, step.Cluster)
	l.checkPoints(doc, y)
	l.checkIDs(doc, y)
	l.checkAfter(doc, y)
	l.checkAccepts(doc, y)
	return nil
}

func (l *loader) checksOf(doc document, field string, list []checkYAML) []Check {
	var all []Check
	for i, c := range list {
		at := doc.at(field, i)
		if c.With.IsZero() {
			c.With.field = indexed(field, i) + ".with"
		}
		c.With.from = at
		check := Check{ID: c.ID, Use: c.Use, With: c.With, After: c.After, Title: c.Title, At: at, place: place{field: indexed(field, i)}}
		if list := child(doc.root, field); list != nil {
			check.place.doc = document{file: doc.file, root: child(list, i)}
		}
		all = append(all, check)
	}
	return all
}

// checkStepCluster does not look whether the lab has nodes of those names: lab.yaml may not have been read yet.
func (l *loader) checkStepCluster(doc document, c StepCluster) {
	if c.Release != "" && !minor.MatchString(c.Release) {
		l.found.add(doc.at("cluster", "release"), "cluster.release", fmt.Sprintf("%q is no release", c.Release), minorRule)
	}
	for _, node := range slices.Sorted(maps.Keys(c.Kubelets)) {
		if release := c.Kubelets[node]; !minor.MatchString(release) {
			l.found.add(doc.at("cluster", "kubelets", node), "cluster.kubelets."+node, fmt.Sprintf("%q is no release", release), minorRule)
		}
	}
}

func (l *loader) checkPoints(doc document, y stepYAML) {
	given := doc.at("points") != doc.at()
	if given && (y.Points < 1 || y.Points > maxPoints) {
		l.found.add(doc.at("points"), "points", fmt.Sprintf("%d points are out of range", y.Points), fmt.Sprintf("write a number from 1 to %d", maxPoints))
	}
	sum := 0
	for i, h := range y.Hints {
		if h.Cost < 0 {
			l.found.add(doc.at("hints", i, "cost"), indexed("hints", i)+".cost", "a hint cannot give points", "write 0 or more")
		}
		sum += h.Cost
	}
	if given && sum > y.Points {
		l.found.add(doc.at("hints"), "hints", fmt.Sprintf("all hints together cost %d points, but the step is worth %d", sum, y.Points), "make them cheaper")
	}
}

// eachCheck calls f for every check and invariant, with its place within the file.
func (y stepYAML) eachCheck(f func(list string, i int, c checkYAML)) {
	for i, c := range y.Checks {
		f("checks", i, c)
	}
	for i, c := range y.Invariants {
		f("invariants", i, c)
	}
}

func (l *loader) checkIDs(doc document, y stepYAML) {
	first := map[string]string{}
	y.eachCheck(func(list string, i int, c checkYAML) {
		field := indexed(list, i)
		// An empty id was missing, which has been reported.
		if c.ID != "" && !isWord(c.ID) {
			l.found.add(doc.at(list, i, "id"), field+".id", fmt.Sprintf("%q is no id", c.ID), wordRule)
		}
		if before, taken := first[c.ID]; taken && c.ID != "" {
			l.found.add(doc.at(list, i, "id"), field+".id", fmt.Sprintf("the id %q is taken by %s", c.ID, before), "choose another one")
		} else {
			first[c.ID] = field
		}
		if c.Use != "" && !checkName.MatchString(c.Use) {
			l.found.add(doc.at(list, i, "use"), field+".use", fmt.Sprintf("%q is no name of a check", c.Use), "write one such as pdb/allows-eviction")
		}
		l.oneLineText(doc, c.Title, list, i, "title")
	})
}

// checkAfter finds checks that depend on a check that does not exist, or on themselves.
func (l *loader) checkAfter(doc document, y stepYAML) {
	after := map[string][]string{}
	var ids []string
	y.eachCheck(func(_ string, _ int, c checkYAML) {
		after[c.ID] = c.After
		ids = append(ids, c.ID)
	})
	y.eachCheck(func(list string, i int, c checkYAML) {
		for j, id := range c.After {
			field := indexed(indexed(list, i)+".after", j)
			if !slices.Contains(ids, id) {
				l.found.add(doc.at(list, i, "after", j), field, fmt.Sprintf("no check has the id %q", id), didYouMean(id, ids))
			}
			if first := slices.Index(c.After, id); first < j {
				l.found.add(doc.at(list, i, "after", j), field, fmt.Sprintf("%q is there twice", id), "keep one of them")
			}
		}
		if circle := circleFrom(c.ID, after); circle != nil && slices.Min(circle) == c.ID {
			l.found.add(doc.at(list, i, "after"), indexed(list, i)+".after",
				"the checks wait for each other: "+strings.Join(append(circle, c.ID), " → "), "remove one of these from its after")
		}
	})
}

// circleFrom returns the ids on a way from id back to itself, or nil if there is no way.
func circleFrom(id string, after map[string][]string) []string {
	seen := map[string]bool{}
	var walk func(at string, way []string) []string
	walk = func(at string, way []string) []string {
		for _, next := range after[at] {
			if next == id {
				return way
			}
			if seen[next] {
				continue
			}
			seen[next] = true
			if circle := walk(next, append(slices.Clone(way), next)); circle != nil {
				return circle
			}
		}
		return nil
	}
	return walk(id, []string{id})
}

// checkAccepts examines the patterns alone: the near misses are only known once the solution has been played.
func (l *loader) checkAccepts(doc document, y stepYAML) {
	first := map[string]int{}
	for i, a := range y.Accepts {
		at, field := doc.at("accepts", i, "near-miss"), indexed("accepts", i)+".near-miss"
		if _, err := path.Match(a.NearMiss, ""); err != nil {
			l.found.add(at, field, fmt.Sprintf("%q is no pattern", a.NearMiss), "write the id of a near miss; * stands for any part of it but a slash")
		}
		if before, taken := first[a.NearMiss]; taken && a.NearMiss != "" {
			l.found.add(at, field, fmt.Sprintf("%q is accepted by accepts[%d] already", a.NearMiss, before), "keep one of them")
		} else {
			first[a.NearMiss] = i
		}
	}
}
