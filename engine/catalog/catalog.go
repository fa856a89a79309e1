package catalog

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Library holds the labs that did not come with k8slab. Each of its labs has an Origin.
type Library interface {
	// Offers lists the labs of every source that was added. A source or a lab that cannot be read is an offer with an
	// error, and keeps no other lab from being offered.
	Offers(ctx context.Context) ([]Offer, error)
	// Resolve finds the source that a person wrote after --from, fetches it unless it was fetched before, and lists its
	// labs.
	Resolve(ctx context.Context, from string, report cluster.Progress) (content.Origin, []Offer, error)
	// Current returns the origin at which the source stands now, and false if the source does not exist any more.
	Current(source string) (content.Origin, bool, error)
	// Open reads the lab of that id as it was at the origin.
	Open(ctx context.Context, origin content.Origin, id string) (*content.Lab, error)
}

// Offer is a lab of a source.
type Offer struct {
	// Source is the name under which the source was added, or the source's address if it was not added.
	Source string
	// ID of the lab, as far as it can be told without reading the lab.
	ID string
	// Lab is nil if Err says why the lab cannot be played.
	Lab *content.Lab
	Err error
}

// Catalog finds and links labs.
type Catalog struct {
	shelf      Shelf
	vocabulary *checks.Vocabulary
	// library is nil if the only labs are those that came with k8slab.
	library Library
}

// New returns the catalog of the labs on the shelf and in the library, which may be nil.
func New(shelf Shelf, vocabulary *checks.Vocabulary, library Library) *Catalog {
	return &Catalog{shelf: shelf, vocabulary: vocabulary, library: library}
}

// Vocabulary returns the vocabulary that labs are linked to.
func (c *Catalog) Vocabulary() *checks.Vocabulary { return c.vocabulary }

// Own reads the labs that came with k8slab.
func (c *Catalog) Own() ([]*content.Lab, error) { return LoadAll(c.shelf) }

// Open returns the lab of that id as it was at the origin, linked. The zero origin means a lab that came with k8slab.
func (c *Catalog) Open(ctx context.Context, origin content.Origin, id string) (*Lab, error) {
	if origin.IsZero() || c.library == nil {
		lab, err := c.own(id)
		if err != nil || lab != nil {
			return lab, err
		}
		ids, err := c.shelf.IDs()
		if err != nil {
			return nil, readable(err)
		}
		return nil, unknownLab(id, ids)
	}
	lab, err := c.library.Open(ctx, origin, id)
	if err != nil {
		return nil, err
	}
	return c.linkSourced(lab)
}

// Resume is Open for an attempt that is under way: it links the lab's checks, but does not examine the lab's set-up
// again, which was done when the attempt began.
func (c *Catalog) Resume(ctx context.Context, origin content.Origin, id string) (*Lab, error) {
	if !origin.IsZero() && c.library != nil {
		return c.Open(ctx, origin, id)
	}
	lab, err := c.shelf.Reload(id)
	if err != nil {
		return c.Open(ctx, origin, id)
	}
	linked, wrong := bind(lab, c.vocabulary)
	if len(wrong) > 0 {
		return nil, readable(wrong.Sorted())
	}
	return linked, nil
}

// own returns the lab that came with k8slab, linked. It returns nil if no lab of that id came with k8slab.
func (c *Catalog) own(id string) (*Lab, error) {
	lab, err := c.shelf.Load(id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, readable(err)
	}
	linked, err := Link(lab, c.vocabulary)
	if err != nil {
		return nil, problem.New(problem.Content, text.Plain(err.Error()), action.Action{}).From(err)
	}
	return linked, nil
}

// Known returns the lab of that id when no attempt says which one is meant: the lab that came with k8slab, or else the
// lab of the only source that has it.
func (c *Catalog) Known(ctx context.Context, id string) (*Lab, error) {
	if lab, err := c.own(id); err != nil || lab != nil {
		return lab, err
	}
	offers, err := c.Offers(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := c.shelf.IDs()
	if err != nil {
		return nil, readable(err)
	}
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
	return c.linkSourced(found[0].Lab)
}

// Offers lists the labs of every source that was added. An offer whose lab cannot be linked has the error instead of
// the lab.
func (c *Catalog) Offers(ctx context.Context) ([]Offer, error) {
	if c.library == nil {
		return nil, nil
	}
	all, err := c.library.Offers(ctx)
	if err != nil {
		return nil, err
	}
	return c.linkOffers(all), nil
}

// Resolve fetches the source that from names, unless it was fetched before, and lists its labs as they would be played.
func (c *Catalog) Resolve(ctx context.Context, from string, report cluster.Progress) (content.Origin, []Offer, error) {
	if c.library == nil {
		return content.Origin{}, nil, problem.New(problem.Usage,
			text.New("labs can only be taken from this k8slab itself", "使えるのは、この k8slab に付属するラボだけです"), action.Do(action.List))
	}
	origin, offers, err := c.library.Resolve(ctx, from, report)
	return origin, c.linkOffers(offers), err
}

// Current returns the origin at which the origin's source stands now. If that source does not exist any more, it
// returns the origin itself.
func (c *Catalog) Current(origin content.Origin) (content.Origin, error) {
	if origin.IsZero() || c.library == nil {
		return origin, nil
	}
	current, ok, err := c.library.Current(origin.Source)
	if err != nil || !ok {
		return origin, err
	}
	return current, nil
}

// Pick returns the id of the lab that is meant among the offers of one source: id itself, or, if id is empty, the only
// lab of the source.
func Pick(id, from string, offers []Offer) (string, error) {
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
			text.New("say which lab to start: %s has %s", "始めるラボを指定してください。%s にあるのは %s です", from, text.List(ids)), action.HelpOn(action.Start))
	}
	return "", problem.New(problem.Usage,
		text.New("there is no lab %q in %s; it has %s", "%[2]s にラボ %[1]q はありません。あるのは %[3]s です", id, from, text.List(ids)), action.HelpOn(action.Start))
}

func (c *Catalog) linkOffers(all []Offer) []Offer {
	for i, o := range all {
		if o.Err != nil {
			continue
		}
		if _, err := c.linkSourced(o.Lab); err != nil {
			all[i].Lab, all[i].Err = nil, err
		}
	}
	return all
}

// linkSourced links a lab from a source. If the lab uses checks that this k8slab does not have, the problem says that a
// newer k8slab may have them.
func (c *Catalog) linkSourced(lab *content.Lab) (*Lab, error) {
	linked, err := Link(lab, c.vocabulary)
	if err == nil {
		return linked, nil
	}
	if unknown := c.unknownChecks(lab); len(unknown) > 0 {
		return nil, problem.New(problem.Content,
			text.New("the lab %s uses checks that this k8slab does not have: %s; a newer k8slab may have them",
				"ラボ %s は、この k8slab にないチェックを使っています: %s。新しい k8slab にはあるかもしれません", lab.ID, text.List(unknown)),
			action.Do(action.ListChecks)).From(err)
	}
	return nil, problem.New(problem.Content, text.Plain(err.Error()), action.Action{}).From(err)
}

func (c *Catalog) unknownChecks(lab *content.Lab) []string {
	var names []string
	for _, step := range lab.Steps {
		for _, check := range slices.Concat(step.Checks, step.Invariants) {
			if _, err := c.vocabulary.Lookup(check.Use); err != nil && !slices.Contains(names, check.Use) {
				names = append(names, check.Use)
			}
		}
	}
	return names
}

// unknownLab is the problem of an id that no lab has; it names the nearest one of the ids.
func unknownLab(id string, ids []string) error {
	what := text.New("there is no lab %q", "ラボ %q はありません", id)
	if near, ok := text.Nearest(id, ids); ok {
		what = text.New("%s; did you mean %s?", "%s。%s のことですか？", what, near)
	}
	return problem.New(problem.Usage, what, action.Do(action.List))
}

func ambiguous(id string, found []Offer) error {
	var sources []string
	for _, o := range found {
		sources = append(sources, o.Source)
	}
	return problem.New(problem.Usage,
		text.New("there is a lab %s in more than one source: %s; say which one with --from",
			"ラボ %s は複数のソースにあります: %s。--from でどれかを指定してください", id, text.List(sources)),
		action.Do(action.Start).On(id).With("from", sources[0]))
}

func joinNames(names []string) string { return strings.Join(names, ", ") }
