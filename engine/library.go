package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
)

// Library holds the labs that did not come with k8slab. Each of its labs has an Origin.
type Library interface {
	// Offers lists the labs of every source that was added. What cannot be read is an offer with an error and keeps no other
	// from being offered.
	Offers(ctx context.Context) ([]Offer, error)
	// Resolve finds what a person wrote after --from, fetches it where that has never been done, and lists its labs.
	Resolve(ctx context.Context, from string, report cluster.Progress) (content.Origin, []Offer, error)
	// Current returns the origin at which the source stands now, and false for a source that is not there any more.
	Current(source string) (content.Origin, bool, error)
	// Open reads the lab of that id as it was at the origin.
	Open(ctx context.Context, origin content.Origin, id string) (*content.Lab, error)
}

// Offer is a lab of a source.
type Offer struct {
	// Source is the name under which the source was added, or its address where it was not.
	Source string
	// ID of the lab, as far as it can be told without reading the lab.
	ID string
	// Lab is nil where Err says why it cannot be played.
	Lab *content.Lab
	Err error
}

// linked returns the lab with its checks.
func (e *Engine) linked(lab *content.Lab) (*linkedLab, error) {
	if known := e.labs[lab.ID]; known != nil && known.content == lab {
		return known, nil
	}
	return link(lab, e.cfg.Vocabulary)
}

// open returns the lab of that id as it was at the origin.
func (e *Engine) open(ctx context.Context, origin content.Origin, id string) (*linkedLab, error) {
	if origin.IsZero() || e.cfg.Library == nil {
		if lab := e.labs[id]; lab != nil {
			return lab, nil
		}
		return nil, unknownLab(id, e.ownIDs())
	}
	lab, err := e.cfg.Library.Open(ctx, origin, id)
	if err != nil {
		return nil, err
	}
	return e.linkSourced(lab)
}

func (e *Engine) ownIDs() []string {
	var ids []string
	for _, lab := range e.cfg.Labs {
		ids = append(ids, lab.ID)
	}
	return ids
}

// linkSourced links a lab from a source. What it asks for and this k8slab does not have may well be there in a newer one.
func (e *Engine) linkSourced(lab *content.Lab) (*linkedLab, error) {
	linked, err := link(lab, e.cfg.Vocabulary)
	if err == nil {
		return linked, nil
	}
	if unknown := e.unknownChecks(lab); len(unknown) > 0 {
		names := strings.Join(unknown, ", ")
		return nil, problem.New(problem.Content,
			fmt.Sprintf("the lab %s uses checks that this k8slab does not have: %s; a newer k8slab may have them", lab.ID, names),
			fmt.Sprintf("ラボ %s は、この k8slab にないチェックを使っています: %s。新しい k8slab にはあるかもしれません", lab.ID, strings.Join(unknown, "、")),
			"k8slab checks").From(err)
	}
	return nil, problem.New(problem.Content, err.Error(), err.Error(), "").From(err)
}

func (e *Engine) unknownChecks(lab *content.Lab) []string {
	var names []string
	for _, step := range lab.Steps {
		for _, check := range slices.Concat(step.Checks, step.Invariants) {
			if _, err := e.cfg.Vocabulary.Lookup(check.Use); err != nil && !slices.Contains(names, check.Use) {
				names = append(names, check.Use)
			}
		}
	}
	return names
}

// offers lists the labs of every source, linked.
func (e *Engine) offers(ctx context.Context) ([]Offer, error) {
	if e.cfg.Library == nil {
		return nil, nil
	}
	all, err := e.cfg.Library.Offers(ctx)
	if err != nil {
		return nil, err
	}
	return e.linkOffers(all), nil
}

func (e *Engine) linkOffers(all []Offer) []Offer {
	for i, o := range all {
		if o.Err != nil {
			continue
		}
		if _, err := e.linkSourced(o.Lab); err != nil {
			all[i].Lab, all[i].Err = nil, err
		}
	}
	return all
}

// LeftOut lists what of the added sources cannot be played, with the reason.
func (e *Engine) LeftOut(ctx context.Context) ([]Offer, error) {
	all, err := e.offers(ctx)
	return slices.DeleteFunc(all, func(o Offer) bool { return o.Err == nil }), err
}

// Resolve fetches what from names where that has never been done, and lists its labs as they would be played.
func (e *Engine) Resolve(ctx context.Context, from string, report cluster.Progress) ([]Offer, error) {
	if e.cfg.Library == nil {
		return nil, withoutLibrary()
	}
	_, offers, err := e.cfg.Library.Resolve(ctx, from, report)
	return e.linkOffers(offers), err
}

func withoutLibrary() error {
	return problem.New(problem.Usage, "labs can only be taken from this k8slab itself", "使えるのは、この k8slab に付属するラボだけです", "k8slab list")
}

// Origins lists the origins of all attempts that the journal knows: what they were begun from must stay readable.
func (e *Engine) Origins() ([]content.Origin, error) {
	done, err := e.progress()
	if err != nil {
		return nil, err
	}
	var all []content.Origin
	for _, attempt := range done.Labs {
		if !attempt.Origin.IsZero() {
			all = append(all, attempt.Origin)
		}
	}
	return all, nil
}

// sourced lists the labs of sources: those that were added, and those that are being played all the same.
func (e *Engine) sourced(ctx context.Context, done progress.Progress) ([]LabStatus, error) {
	offers, err := e.offers(ctx)
	if err != nil {
		return nil, err
	}
	var all []LabStatus
	listed := func(id, source string) bool {
		return slices.ContainsFunc(all, func(st LabStatus) bool { return st.Lab.ID == id && st.Lab.Origin.Source == source })
	}
	for _, o := range offers {
		if o.Err == nil {
			all = append(all, LabStatus{Lab: o.Lab, Source: o.Source})
		}
	}
	for id, attempt := range done.Labs {
		if attempt.Origin.IsZero() || !attempt.Finished.IsZero() || listed(id, attempt.Origin.Source) {
			continue
		}
		lab, err := e.open(ctx, attempt.Origin, id)
		if problem.KindOf(err) != problem.Internal {
			continue // it cannot be played now, which whoever goes on with it is told
		}
		if err != nil {
			return nil, err
		}
		all = append(all, LabStatus{Lab: lab.content, Source: attempt.Origin.Source})
	}
	slices.SortStableFunc(all, func(a, b LabStatus) int {
		return strings.Compare(a.Source+"\x00"+a.Lab.ID, b.Source+"\x00"+b.Lab.ID)
	})
	return all, nil
}

// choose returns the lab that Start is about, and what was done of a lab of that id. An attempt that goes on does so with the
// lab as it was when the attempt began.
func (e *Engine) choose(ctx context.Context, id string, opts StartOptions, report cluster.Progress) (*linkedLab, *progress.Lab, error) {
	done, err := e.progress()
	if err != nil {
		return nil, nil, err
	}
	if opts.From != "" {
		return e.chooseFrom(ctx, id, opts, report, done)
	}
	attempt := done.Labs[id]
	if attempt == nil || !attempt.Finished.IsZero() {
		lab, err := e.known(ctx, id)
		return lab, attempt, err
	}
	origin := attempt.Origin
	if opts.Restart && !origin.IsZero() && e.cfg.Library != nil {
		current, ok, err := e.cfg.Library.Current(origin.Source)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			origin = current
		}
	}
	lab, err := e.open(ctx, origin, id)
	return lab, attempt, err
}

func (e *Engine) chooseFrom(ctx context.Context, id string, opts StartOptions, report cluster.Progress, done progress.Progress) (*linkedLab, *progress.Lab, error) {
	if e.cfg.Library == nil {
		return nil, nil, withoutLibrary()
	}
	origin, offers, err := e.cfg.Library.Resolve(ctx, opts.From, report)
	if err != nil {
		return nil, nil, err
	}
	if id, err = pick(id, opts.From, offers); err != nil {
		return nil, nil, err
	}
	attempt := done.Labs[id]
	if attempt != nil && attempt.Origin.Source == origin.Source && attempt.Finished.IsZero() && !opts.Restart {
		origin = attempt.Origin
	}
	lab, err := e.open(ctx, origin, id)
	return lab, attempt, err
}

// pick returns the id of the lab that is meant among those of one source: id, or the only one that there is.
func pick(id, from string, offers []Offer) (string, error) {
	var ids []string
	for _, o := range offers {
		ids = append(ids, o.ID)
	}
	switch {
	case slices.Contains(ids, id):
		return id, nil
	case id == "" && len(ids) == 1:
		return ids[0], nil
	case id == "":
		return "", problem.New(problem.Usage,
			fmt.Sprintf("say which lab to start: %s has %s", from, strings.Join(ids, ", ")),
			fmt.Sprintf("始めるラボを指定してください。%s にあるのは %s です", from, strings.Join(ids, "、")), "k8slab start --help")
	}
	en := fmt.Sprintf("there is no lab %q in %s; it has %s", id, from, strings.Join(ids, ", "))
	ja := fmt.Sprintf("%[2]s にラボ %[1]q はありません。あるのは %[3]s です", id, from, strings.Join(ids, "、"))
	return "", problem.New(problem.Usage, en, ja, "k8slab start --help")
}

// known returns the lab of that id where no attempt says which one is meant: the one that came with k8slab, or else the one
// of the sources that has it.
func (e *Engine) known(ctx context.Context, id string) (*linkedLab, error) {
	if lab := e.labs[id]; lab != nil {
		return lab, nil
	}
	offers, err := e.offers(ctx)
	if err != nil {
		return nil, err
	}
	ids := e.ownIDs()
	var found []Offer
	for _, o := range offers {
		if o.ID == id {
			found = append(found, o)
		}
		if o.Err == nil {
			ids = append(ids, o.ID)
		}
	}
	switch {
	case len(found) == 0:
		return nil, unknownLab(id, ids)
	case len(found) > 1:
		return nil, ambiguous(id, found)
	case found[0].Err != nil:
		return nil, found[0].Err
	}
	return e.linkSourced(found[0].Lab)
}

func ambiguous(id string, found []Offer) error {
	var sources []string
	for _, o := range found {
		sources = append(sources, o.Source)
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("there is a lab %s in more than one source: %s; say which one with --from", id, strings.Join(sources, ", ")),
		fmt.Sprintf("ラボ %s は複数のソースにあります: %s。--from でどれかを指定してください", id, strings.Join(sources, "、")),
		fmt.Sprintf("k8slab start --from %s %s", sources[0], id))
}

// refuseForeignCluster keeps a lab off the cluster of another one that has the same id.
func (e *Engine) refuseForeignCluster(ctx context.Context, id string, attempt *progress.Lab) error {
	c, err := e.find(ctx, id, attempt)
	if err != nil || c == nil {
		return err
	}
	en, ja := attempt.Origin.Source, attempt.Origin.Source
	if attempt.Origin.IsZero() {
		en, ja = "k8slab itself", "k8slab 付属"
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("another lab called %s, from %s, has a cluster now, which has to go first", id, en),
		fmt.Sprintf("%s という名前の別のラボ (%s) のクラスターがあります。先に削除してください", id, ja),
		"k8slab delete "+id)
}
