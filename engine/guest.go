package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/seed"
	"github.com/k8slab/k8slab/text"
)

// VisitPlan is what a lab is about to do to a cluster that somebody else made.
type VisitPlan struct {
	Lab  string        `json:"lab"`
	Step string        `json:"step"`
	Host *cluster.Host `json:"host"`
	// Changes to objects, in the order in which they are made. Steps that come later bring their own.
	Changes []seed.Change `json:"changes"`
	// Steps says how much of each step can be played there.
	Steps []catalog.Fit `json:"steps"`
	// Notes are in what the cluster is not what the lab was written for.
	Notes []text.Text `json:"notes,omitempty"`
	// Start is the action that begins the visit.
	Start action.Action `json:"-"`
}

// Consent is asked before anything is changed on a cluster that somebody else made. An error is a no.
type Consent func(ctx context.Context, v *VisitPlan) error

// PlanVisit is what Start would do to the cluster that opts name, without anything being changed.
func (e *Engine) PlanVisit(ctx context.Context, id string, opts StartOptions, report cluster.Progress) (*VisitPlan, error) {
	lab, attempt, err := e.choose(ctx, id, opts, report)
	if err != nil {
		return nil, err
	}
	if opts.Provider == "" && attempt != nil && attempt.Finished.IsZero() {
		opts.Provider = attempt.Provider
	}
	p, err := e.Provider(opts.Provider)
	if err != nil {
		return nil, err
	}
	guest, ok := cluster.As[cluster.Guest](p)
	if !ok {
		return nil, problem.New(problem.Usage,
			text.New("--dry-run is for clusters that somebody else made; a cluster of the kind %s is the lab's own, and nothing else is in it", "--dry-run は、ほかの人が作ったクラスターで使います。%s クラスターはラボ専用で、ほかには何も入っていません", p.Name()),
			action.Do(action.Start).On(lab.ID))
	}
	begin := opts.Restart || attempt == nil || !attempt.Finished.IsZero() || attempt.Provider != p.Name()
	step, err := e.firstStep(lab, attempt, p, begin, opts)
	if err != nil {
		return nil, err
	}
	opts.planning = true
	v, _, err := e.visit(ctx, guest, lab, step, opts)
	return v, err
}

// firstStep is the one at which Start begins. Nothing is made for one that the provider's clusters cannot play; on
// those of others the lab begins with the first that they can.
func (e *Engine) firstStep(lab *catalog.Lab, attempt *progress.Lab, p cluster.Provider, begin bool, opts StartOptions) (*catalog.Step, error) {
	_, isGuest := cluster.As[cluster.Guest](p)
	step := lab.Steps[0]
	if isGuest {
		i := slices.IndexFunc(lab.Steps, func(s *catalog.Step) bool { return catalog.Unfit(lab.Lab, s.Step, p, e.Vocabulary()) == nil })
		if i < 0 {
			return nil, e.unplayable(lab.Lab, p, opts)
		}
		step = lab.Steps[i]
	}
	switch {
	case opts.Step != "":
		var err error
		if step, err = lab.Find(opts.Step); err != nil {
			return nil, err
		}
	case !begin && attempt.Step != "":
		if found, err := lab.Find(attempt.Step); err == nil {
			step = found // a step that a newer version of the lab dropped means starting from the first
		}
	}
	next := action.Do(action.Status)
	if isGuest {
		next = startOf(lab.ID, e.ownKind(), cluster.Place{}, StartOptions{From: opts.From, Step: step.ID})
	}
	return step, catalog.StepPlayable(lab.Lab, step.Step, p, e.Vocabulary(), next)
}

// arrive lets the lab in on a cluster that somebody else made: after it was looked at, and after the person has said
// yes. It returns the lab with the names that the nodes have there, and whether it was let in only now.
func (e *Engine) arrive(ctx context.Context, guest cluster.Guest, lab *catalog.Lab, step *catalog.Step, opts StartOptions, report cluster.Progress) (_ *catalog.Lab, _ *catalog.Step, fresh bool, err error) {
	var v *VisitPlan
	var renamed *catalog.Lab
	err = report.Run("look", func() (string, error) {
		var err error
		if v, renamed, err = e.visit(ctx, guest, lab, step, opts); err != nil {
			return "", err
		}
		return v.Host.Server, nil
	})
	if err != nil {
		return nil, nil, false, err
	}
	if !v.Host.Settled {
		if opts.Consent == nil {
			return nil, nil, false, problem.New(problem.Usage,
				text.New("nobody was asked whether %s may be changed", "%s を変更してよいか、まだ確認していません", v.Host.Server), v.Start)
		}
		if err := opts.Consent(ctx, v); err != nil {
			return nil, nil, false, err
		}
	}
	if err := guest.Settle(ctx, lab.ID, v.Host); err != nil {
		return nil, nil, false, err
	}
	step, err = renamed.Find(step.ID)
	return renamed, step, !v.Host.Settled, err
}

// visit looks at the cluster and refuses what must not be played there. Nothing is changed.
func (e *Engine) visit(ctx context.Context, guest cluster.Guest, lab *catalog.Lab, step *catalog.Step, opts StartOptions) (*VisitPlan, *catalog.Lab, error) {
	id := lab.ID
	host, err := guest.Look(ctx, id, opts.Place)
	if err != nil {
		return nil, nil, err
	}
	v := &VisitPlan{
		Lab: id, Step: step.ID, Host: host, Changes: []seed.Change{}, Steps: catalog.Fits(lab.Lab, guest, e.Vocabulary()), Notes: differences(lab.Lab, host), Start: startOf(id, guest.Name(), opts.Place, opts),
	}
	if err := e.refuseProduction(v, opts); err != nil {
		return nil, nil, err
	}
	host.NodesAllowed = host.NodesAllowed || opts.AllowNodes
	if err := e.refuseLacking(lab.Lab, guest, v, opts); err != nil {
		return nil, nil, err
	}
	if host.NodeNames, err = settleNodes(lab.Lab, host); err != nil {
		return nil, nil, err
	}
	renamed, err := lab.WithNodes(host.NodeNames, e.Vocabulary())
	if err != nil {
		return nil, nil, err
	}
	rights := action.InTerminal(host.Kubectl + " auth can-i --list")
	if v.Changes, err = seed.Plan(ctx, renamed.Lab, step.ID, host, rights, e.onItsOwn(id, opts)); err != nil {
		return nil, nil, err
	}
	return v, renamed, refuseAnother(v)
}

// refuseAnother keeps a lab from taking away what another session of it has on the cluster: somebody else's, or one
// that was forgotten.
func refuseAnother(v *VisitPlan) error {
	if v.Host.Settled {
		return nil
	}
	var there []string
	for _, c := range v.Changes {
		if c.Action == seed.Replace || c.Action == seed.Remove {
			there = append(there, c.Object())
		}
	}
	if len(there) == 0 {
		return nil
	}
	return problem.New(problem.Cluster,
		text.New("the lab %s is on %s already, from another session: %s. Somebody may be playing it, and nothing was changed. If it is left over from one of yours, remove what carries the label first", "%[2]s には、別のセッションのラボ %[1]s がすでにあります: %[3]s。ほかの人が使っているかもしれないため、何も変更していません。ご自身の使い残しであれば、ラベルの付いたものを先に削除してください", v.Lab, v.Host.Context, text.List(there)),
		action.InTerminal(v.Host.Kubectl+" get namespaces -l "+cluster.LabLabel+"="+v.Lab))
}

// changesNodes reports whether the lab's tasks cordon or drain nodes: the lab or a step says so, or one of its checks
// does.
func changesNodes(lab *content.Lab, vocabulary *checks.Vocabulary) bool {
	if slices.Contains(lab.Requires, string(cluster.Nodes)) {
		return true
	}
	return slices.ContainsFunc(lab.Steps, func(step *content.Step) bool {
		return slices.Contains(step.Requires, string(cluster.Nodes)) || slices.ContainsFunc(step.Checks, func(c content.Check) bool {
			d, err := vocabulary.Lookup(c.Use)
			return err == nil && slices.Contains(d.Changes, checks.Nodes)
		})
	})
}

// startOf is the action that asks for the visit.
func startOf(lab, kind string, place cluster.Place, opts StartOptions) action.Action {
	start := action.Do(action.Start).On(lab).At(opts.Step).WithGiven("from", opts.From).WithGiven("cluster", kind).
		WithGiven("kubeconfig", place.Kubeconfig).WithGiven("context", place.Context).WithGiven("subscription", place.Subscription).
		WithGiven("resource-group", place.ResourceGroup).WithGiven("name", place.Name).WithGiven("acknowledge", opts.Acknowledge)
	if place.Admin {
		start = start.With("admin", "")
	}
	if opts.AllowNodes {
		start = start.With("allow-nodes", "")
	}
	return start
}

// refuseProduction keeps labs off clusters that people depend on, unless the person names the cluster and says that it
// is all right.
func (e *Engine) refuseProduction(v *VisitPlan, opts StartOptions) error {
	host, acknowledged := v.Host, opts.Acknowledge
	if acknowledged != "" && acknowledged != host.Context {
		return problem.New(problem.Usage,
			text.New("--acknowledge has to be the name of the context, which is %s and not %s", "--acknowledge にはコンテキストの名前を指定してください。%[2]s ではなく %[1]s です", host.Context, acknowledged), action.HelpOn(action.Start))
	}
	if len(host.Production) == 0 || acknowledged == host.Context || host.Settled {
		return nil
	}
	var en, ja []string
	for _, sign := range host.Production {
		en, ja = append(en, sign.EN), append(ja, sign.JA)
	}
	return problem.New(problem.Cluster,
		text.Text{EN: fmt.Sprintf("%s (%s) looks like a cluster that people depend on: %s. Nothing was changed. A lab is better off on a cluster of its own; if this one is meant for exercises, add --acknowledge %s",
			host.Context, host.Server, strings.Join(en, "; "), host.Context), JA: fmt.Sprintf("%s (%s) は、人が使っているクラスターのようです: %s。何も変更していません。ラボは専用のクラスターで行うことをお勧めします。演習に使ってよいクラスターなら --acknowledge %s を付けてください",
			host.Context, host.Server, strings.Join(ja, "。"), host.Context)},
		e.onItsOwn(v.Lab, opts))
}

// onItsOwn is the action that plays the lab on a cluster of its own.
func (e *Engine) onItsOwn(lab string, opts StartOptions) action.Action {
	return startOf(lab, e.ownKind(), cluster.Place{}, StartOptions{From: opts.From})
}

// ownKind names the kind of cluster that is made for a lab where nobody asks for another one.
func (e *Engine) ownKind() string { return e.providers[0].Name() }

// refuseLacking is about capabilities of a cluster that somebody else made.
func (e *Engine) refuseLacking(lab *content.Lab, p cluster.Provider, v *VisitPlan, opts StartOptions) error {
	missing := catalog.Lacks(lab.Requires, catalog.Capable(p))
	if len(missing) == 0 && changesNodes(lab, e.Vocabulary()) && !v.Host.NodesAllowed {
		next := v.Start.With("allow-nodes", "")
		if opts.planning {
			next = next.With("dry-run", "")
		}
		return problem.New(problem.Usage,
			text.New("the tasks of %s cordon and drain nodes, which others may need. If nobody minds, add --allow-nodes", "ラボ %s の課題では、ほかの人も使っているかもしれないノードを cordon したりドレインしたりします。差し支えなければ --allow-nodes を付けてください", lab.ID),
			next)
	}
	return catalog.Lacking(lab, p, missing)
}

// differences are in what the cluster is not what the lab asks for, and a lab can be played all the same.
func differences(lab *content.Lab, host *cluster.Host) []text.Text {
	var notes []text.Text
	if have := release.Of(host.Version); have != lab.Cluster.Release {
		notes = append(notes, text.New("the lab was written for Kubernetes %s; this is %s", "このラボは Kubernetes %s 向けです。このクラスターは %s です", lab.Cluster.Release, host.Version))
	}
	want, have := map[string]bool{}, map[string]bool{}
	for _, n := range lab.Cluster.Nodes {
		want[n.Zone] = true
	}
	for _, n := range host.Nodes {
		have[n.Zone] = true
	}
	if len(have) < len(want) {
		notes = append(notes, text.New("the lab's nodes are in %d zones; the nodes here are in %d", "ラボのノードは %d 個のゾーンに分かれていますが、このクラスターでは %d 個です", len(want), len(have)))
	}
	return notes
}

// settleNodes chooses a node of the cluster for each of the lab's, zone by zone, and keeps an earlier choice as long as
// it can be kept.
func settleNodes(lab *content.Lab, host *cluster.Host) (map[string]string, error) {
	if kept(lab, host) {
		return host.NodeNames, nil
	}
	free := map[string][]string{}
	count := 0
	for _, n := range host.Nodes {
		if n.TakesPods {
			free[n.Zone] = append(free[n.Zone], n.Name)
			count++
		}
	}
	if count < len(lab.Cluster.Nodes) {
		return nil, problem.New(problem.Cluster,
			text.New("the lab %s is written for %d nodes; %s has %d that take pods", "ラボ %s には %d 個のノードが必要です。%s には Pod を受け入れるノードが %d 個あります", lab.ID, len(lab.Cluster.Nodes), host.Context, count),
			action.InTerminal(host.Kubectl+" get nodes"))
	}
	zones := largestFirst(free)
	names := map[string]string{}
	for i, zone := range shapeZones(lab) {
		for _, n := range lab.Cluster.Nodes {
			if n.Zone == zone {
				names[n.Name] = take(free, zones, i)
			}
		}
	}
	for own, theirs := range names {
		if own != theirs {
			return names, nil
		}
	}
	return nil, nil // they are called as in the lab
}

// kept reports whether the nodes that were chosen before are all still there.
func kept(lab *content.Lab, host *cluster.Host) bool {
	if len(host.NodeNames) == 0 {
		return false
	}
	for _, n := range lab.Cluster.Nodes {
		if !slices.ContainsFunc(host.Nodes, func(h cluster.HostNode) bool { return h.Name == host.NodeNames[n.Name] }) {
			return false
		}
	}
	return true
}

func largestFirst(free map[string][]string) []string {
	var zones []string
	for zone := range free {
		zones = append(zones, zone)
	}
	slices.SortFunc(zones, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(free[b]), len(free[a])), strings.Compare(a, b))
	})
	return zones
}

// shapeZones returns the zones of the lab's nodes, the one with most nodes first.
func shapeZones(lab *content.Lab) []string {
	nodes := map[string][]string{}
	for _, n := range lab.Cluster.Nodes {
		nodes[n.Zone] = append(nodes[n.Zone], n.Name)
	}
	return largestFirst(nodes)
}

// take takes a free node of the i-th zone, or of another one where that has none.
func take(free map[string][]string, zones []string, i int) string {
	order := zones
	if i < len(zones) {
		order = append([]string{zones[i]}, zones...)
	}
	for _, zone := range order {
		if names := free[zone]; len(names) > 0 {
			free[zone] = names[1:]
			return names[0]
		}
	}
	return "" // there are enough: they were counted
}

// refuseAbandoned keeps a lab from being begun on one kind of cluster as long as it has a cluster of another kind, or
// objects on one that somebody else made: the journal points to one of them, and nobody would find the other. Where the
// lab goes on there may be both.
func (e *Engine) refuseAbandoned(ctx context.Context, lab string, attempt *progress.Lab, p cluster.Provider) error {
	if attempt != nil && attempt.Provider == p.Name() {
		return nil
	}
	for _, before := range e.providers {
		if before.Name() == p.Name() {
			continue
		}
		c, err := before.Find(ctx, lab)
		_, isGuest := cluster.As[cluster.Guest](before)
		switch {
		case errors.Is(err, cluster.ErrNotFound):
		case isGuest && err != nil:
			return err
		case isGuest:
			return problem.New(problem.Cluster,
				text.New("the lab %s is being played on %s; that has to be cleaned up before it begins elsewhere", "ラボ %s は %s で進行中です。別の場所で始める前に、そちらを片付けてください", lab, c.Server),
				action.Do(action.Delete).On(lab))
		case err != nil || c.State == cluster.Stopped && len(c.Components) == 0:
			// Without its engine nothing runs of it, and nobody could delete it.
		default:
			return problem.New(problem.Cluster,
				text.New("the lab %s has a cluster of the kind %s; go on with that cluster by --cluster %[2]s, or delete it first", "ラボ %s には %s クラスターがあります。--cluster %[2]s で続けるか、先に削除してください", lab, before.Name()),
				action.Do(action.Delete).On(lab))
		}
	}
	return nil
}

// refuseMismatch refuses a lab on a kind of cluster that it cannot be played on, or that the options do not fit. What a
// cluster of somebody else's lacks is told when it was looked at.
func (e *Engine) refuseMismatch(ctx context.Context, lab *content.Lab, attempt *progress.Lab, p cluster.Provider, opts StartOptions) error {
	if _, isGuest := cluster.As[cluster.Guest](p); !isGuest {
		if !opts.Place.IsZero() || opts.AllowNodes || opts.Acknowledge != "" {
			return e.notAGuest(p)
		}
		if err := catalog.Lacking(lab, p, catalog.Lacks(lab.Requires, cluster.CapabilitiesOf(p))); err != nil {
			return err
		}
	} else if opts.APIPort != 0 {
		return problem.New(problem.Usage,
			text.New("--api-port is for clusters that k8slab makes; this one has an address already", "--api-port は k8slab が作るクラスターで使います。このクラスターのアドレスはすでに決まっています"), action.HelpOn(action.Start))
	}
	return e.refuseAbandoned(ctx, lab.ID, attempt, p)
}

func (e *Engine) notAGuest(p cluster.Provider) error {
	var flags []string
	for _, other := range e.providers {
		if _, guest := cluster.As[cluster.Guest](other); guest {
			flags = append(flags, "--cluster "+other.Name())
		}
	}
	return problem.New(problem.Usage,
		text.New("a cluster of the kind %s is made for the lab; flags that name a cluster go with %s",
			"%s クラスターはラボのために作られます。既存のクラスターを指定するフラグは %s と一緒に使います", p.Name(),
			text.Text{EN: strings.Join(flags, " or "), JA: strings.Join(flags, " または ")}),
		action.HelpOn(action.Start))
}

// Forget drops what is known about the cluster of the lab and leaves that cluster as it is.
func (e *Engine) Forget(ctx context.Context, lab string) error {
	return e.withCluster(ctx, lab, func(p cluster.Provider) error {
		guest, ok := cluster.As[cluster.Guest](p)
		if !ok {
			return problem.New(problem.Usage,
				text.New("--forget is for clusters that somebody else made; this one, of the kind %s, is deleted", "--forget は、ほかの人が作ったクラスターで使います。%s クラスターは削除してください", p.Name()), action.Do(action.Delete).On(lab))
		}
		return errors.Join(e.dropSessionBaseline(lab), guest.Forget(ctx, lab))
	})
}

// unplayable is the problem of a lab of which the provider's clusters can play no step.
func (e *Engine) unplayable(lab *content.Lab, p cluster.Provider, opts StartOptions) error {
	var en, ja []string
	for _, fit := range catalog.Fits(lab, p, e.Vocabulary()) {
		if fit.Unplayable != nil {
			en, ja = append(en, fit.Unplayable.EN), append(ja, fit.Unplayable.JA)
		}
	}
	return problem.New(problem.Usage,
		text.Text{EN: fmt.Sprintf("no step of %s can be played on a cluster of the kind %s: %s", lab.ID, p.Name(), strings.Join(en, "; ")), JA: fmt.Sprintf("ラボ %s に、%s クラスターで実行できるステップはありません: %s", lab.ID, p.Name(), strings.Join(ja, "。"))}, e.onItsOwn(lab.ID, opts))
}
