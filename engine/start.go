package engine

import (
	"context"
	"errors"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// StartOptions of a lab.
type StartOptions struct {
	// Provider by name; empty means the first one.
	Provider string
	// Step to begin with; empty means where the learner was, or the first one.
	Step string
	// APIPort fixes the API server's port; zero picks a free one.
	APIPort int
	// Place, Acknowledge, AllowNodes and Consent are for clusters that somebody else made. Place says which; empty
	// means the one on which the lab is being played. Acknowledge is the name of a context that may be used although it
	// looks like production. AllowNodes lets the lab's tasks change nodes. Consent is asked before the first change.
	Place       cluster.Place
	Acknowledge string
	AllowNodes  bool
	Consent     Consent
	// Restart begins a new attempt at the first step even if one is under way.
	Restart bool
	// From is the folder, the repository or the added source that the lab is taken from, as a person writes it; empty
	// means wherever there is a lab of that id.
	From string

	// planning: nothing is to be changed, and a person who lacks a flag is told to add it to the dry run.
	planning bool
}

// Start brings up the lab's cluster and the step's starting state, and returns the play. A lab that is under way is
// resumed as it is.
func (e *Engine) Start(ctx context.Context, id string, opts StartOptions, report cluster.Progress) (*Play, error) {
	lab, attempt, err := e.choose(ctx, id, opts, report)
	if err != nil {
		return nil, err
	}
	id = lab.ID
	begin := opts.Restart || attempt == nil || !attempt.Finished.IsZero()
	if attempt != nil && attempt.Origin.Source != lab.Origin.Source {
		begin = true // the same id, but another lab
		if err := e.refuseForeignCluster(ctx, id, attempt); err != nil {
			return nil, err
		}
	}
	if opts.Provider == "" && !begin {
		opts.Provider = attempt.Provider
	}
	p, err := e.Provider(opts.Provider)
	if err != nil {
		return nil, err
	}
	if err := e.refuseMismatch(ctx, lab.Lab, attempt, p, opts); err != nil {
		return nil, err
	}
	if !begin && attempt.Provider != p.Name() {
		begin = true // the same lab on another kind of cluster is another attempt
	}
	step, err := e.firstStep(lab, attempt, p, begin, opts)
	if err != nil {
		return nil, err
	}
	unlock, err := e.lockSession(ctx, id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	lab, step, c, err := e.bringUp(ctx, p, lab, step, opts, report)
	if err != nil {
		return nil, err
	}
	if begin {
		started := progress.Event{Kind: progress.Started, Attempt: progress.NewID(), Lab: id, Provider: p.Name(), Origin: lab.Origin}
		if err := e.journal.Append(started); err != nil {
			return nil, err
		}
		attempt = &progress.Lab{ID: id, Attempt: started.Attempt, Provider: p.Name(), Origin: started.Origin}
	}
	play, err := e.play(p, lab, step, attempt)
	if err != nil {
		return nil, err
	}
	play.has(c)
	return play, play.begin(ctx, begin, report)
}

// bringUp lets the lab in on a cluster of somebody else's, or makes one for it. The nodes of the lab that it returns
// have the names that they have there.
func (e *Engine) bringUp(ctx context.Context, p cluster.Provider, lab *catalog.Lab, step *catalog.Step, opts StartOptions, report cluster.Progress) (
	_ *catalog.Lab, _ *catalog.Step, _ *cluster.Cluster, err error,
) {
	guest, isGuest := cluster.As[cluster.Guest](p)
	fresh := false
	if isGuest {
		if lab, step, fresh, err = e.arrive(ctx, guest, lab, step, opts, report); err != nil {
			return nil, nil, nil, err
		}
	}
	c, err := p.Ensure(ctx, seed.Spec(lab.Lab, step.Step, opts.APIPort), report)
	if err != nil && fresh {
		// Nothing was changed there yet. Somebody else may come before the lab does, and then this person has to be
		// asked again.
		return nil, nil, nil, errors.Join(err, guest.Forget(ctx, lab.ID))
	}
	return lab, step, c, err
}

// begin makes the starting state, unless it stands already and the attempt goes on. The session is locked.
func (p *Play) begin(ctx context.Context, fresh bool, report cluster.Progress) error {
	if !fresh {
		resumed, err := p.seeded(ctx)
		if err != nil {
			return err
		}
		if resumed {
			p.mu.Lock()
			p.session.Resumed = true
			p.mu.Unlock()
			return p.reread()
		}
	}
	if err := p.enter(ctx, p.linked(), progress.Entered, report); err != nil {
		return err
	}
	return p.look(ctx) // the step may start on a newer release
}

// choose returns the lab that Start is about, and what was done of a lab of that id. An attempt that goes on does so
// with the lab as it was when the attempt began.
func (e *Engine) choose(ctx context.Context, id string, opts StartOptions, report cluster.Progress) (*catalog.Lab, *progress.Lab, error) {
	done, err := e.progress()
	if err != nil {
		return nil, nil, err
	}
	if opts.From != "" {
		return e.chooseFrom(ctx, id, opts, report, done)
	}
	attempt := done.Labs[id]
	if attempt == nil || !attempt.Finished.IsZero() {
		lab, err := e.catalog.Known(ctx, id)
		return lab, attempt, err
	}
	origin := attempt.Origin
	if opts.Restart {
		if origin, err = e.catalog.Current(origin); err != nil {
			return nil, nil, err
		}
	}
	lab, err := e.catalog.Open(ctx, origin, id)
	return lab, attempt, err
}

func (e *Engine) chooseFrom(ctx context.Context, id string, opts StartOptions, report cluster.Progress, done progress.Progress) (*catalog.Lab, *progress.Lab, error) {
	origin, offers, err := e.catalog.Resolve(ctx, opts.From, report)
	if err != nil {
		return nil, nil, err
	}
	if id, err = catalog.Pick(id, opts.From, offers); err != nil {
		return nil, nil, err
	}
	attempt := done.Labs[id]
	if attempt != nil && attempt.Origin.Source == origin.Source && attempt.Finished.IsZero() && !opts.Restart {
		origin = attempt.Origin
	}
	lab, err := e.catalog.Open(ctx, origin, id)
	return lab, attempt, err
}

// refuseForeignCluster keeps a lab off the cluster of another one that has the same id.
func (e *Engine) refuseForeignCluster(ctx context.Context, id string, attempt *progress.Lab) error {
	p, err := e.Provider(attempt.Provider)
	if err != nil {
		return err
	}
	c, err := find(ctx, p, id)
	if err != nil || c == nil {
		return err
	}
	from := text.Plain(attempt.Origin.Source)
	if attempt.Origin.IsZero() {
		from = text.New("k8slab itself", "k8slab 付属")
	}
	return problem.New(problem.Usage,
		text.New("another lab called %s, from %s, has a cluster now, which has to go first",
			"%s という名前の別のラボ (%s) のクラスターがあります。先に削除してください", id, from), action.Do(action.Delete).On(id))
}
