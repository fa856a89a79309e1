package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
)

// Visit is what a lab is about to do to a cluster that somebody else made.
type Visit struct {
	Lab  string        `json:"lab"`
	Step string        `json:"step"`
	Host *cluster.Host `json:"host"`
	// Changes to objects, in the order in which they are made. Steps that come later bring their own.
	Changes []Change `json:"changes"`
	// Steps says how much of each step can be played there.
	Steps []Fit `json:"steps"`
	// Notes are in what the cluster is not what the lab was written for.
	Notes []content.Text `json:"notes,omitempty"`
	// Command is what a person types for it.
	Command string `json:"command"`
}

// Consent is asked before anything is changed on a cluster that somebody else made. An error is a no.
type Consent func(ctx context.Context, v *Visit) error

// PlanVisit is what Start would do to the cluster that opts name, without anything being changed.
func (e *Engine) PlanVisit(ctx context.Context, id string, opts StartOptions, report cluster.Progress) (*Visit, error) {
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
	guest, ok := p.(cluster.Guest)
	if !ok {
		return nil, problem.New(problem.Usage,
			fmt.Sprintf("--dry-run is for clusters that somebody else made; a cluster of the kind %s is the lab's own, and nothing else is in it", p.Name()),
			fmt.Sprintf("--dry-run は、ほかの人が作ったクラスターで使います。%s クラスターはラボ専用で、ほかには何も入っていません", p.Name()),
			"k8slab start "+lab.content.ID)
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

// firstStep is the one at which Start begins. Nothing is made for one that the provider's clusters cannot play; on those of others the lab
// begins with the first that they can.
func (e *Engine) firstStep(lab *linkedLab, attempt *progress.Lab, p cluster.Provider, begin bool, opts StartOptions) (*linkedStep, error) {
	_, isGuest := p.(cluster.Guest)
	step := lab.steps[0]
	if isGuest {
		i := slices.IndexFunc(lab.steps, func(s *linkedStep) bool { return unfit(lab.content, s.content, p, e.cfg.Vocabulary) == nil })
		if i < 0 {
			return nil, e.unplayable(lab.content, p, opts)
		}
		step = lab.steps[i]
	}
	switch {
	case opts.Step != "":
		var err error
		if step, err = lab.step(opts.Step); err != nil {
			return nil, err
		}
	case !begin && attempt.Step != "":
		if found, err := lab.step(attempt.Step); err == nil {
			step = found // a step that a newer version of the lab dropped means starting from the first
		}
	}
	next := "k8slab status"
	if isGuest {
		next = commandOf(lab.content.ID, "embedded", cluster.Place{}, StartOptions{From: opts.From, Step: step.content.ID})
	}
	return step, playable(lab.content, step.content, p, e.cfg.Vocabulary, next)
}

// arrive lets the lab in on a cluster that somebody else made: after it was looked at, and after the person has said yes. It returns the lab
// with the names that the nodes have there, and whether it was let in only now.
func (e *Engine) arrive(ctx context.Context, guest cluster.Guest, lab *linkedLab, step *linkedStep, opts StartOptions, report cluster.Progress) (_ *linkedLab, _ *linkedStep, fresh bool, err error) {
	var v *Visit
	var renamed *linkedLab
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
				fmt.Sprintf("nobody was asked whether %s may be changed", v.Host.Server),
				fmt.Sprintf("%s を変更してよいか、まだ確認していません", v.Host.Server), v.Command)
		}
		if err := opts.Consent(ctx, v); err != nil {
			return nil, nil, false, err
		}
	}
	if err := guest.Settle(ctx, lab.content.ID, v.Host); err != nil {
		return nil, nil, false, err
	}
	step, err = renamed.step(step.content.ID)
	return renamed, step, !v.Host.Settled, err
}

// visit looks at the cluster and refuses what must not be played there. Nothing is changed.
func (e *Engine) visit(ctx context.Context, guest cluster.Guest, lab *linkedLab, step *linkedStep, opts StartOptions) (*Visit, *linkedLab, error) {
	id := lab.content.ID
	host, err := guest.Look(ctx, id, opts.Place)
	if err != nil {
		return nil, nil, err
	}
	v := &Visit{
		Lab: id, Step: step.content.ID, Host: host, Changes: []Change{}, Steps: e.fits(lab.content, guest), Notes: differences(lab.content, host), Command: commandOf(id, guest.Name(), opts.Place, opts),
	}
	if err := refuseProduction(v, opts); err != nil {
		return nil, nil, err
	}
	host.NodesAllowed = host.NodesAllowed || opts.AllowNodes
	if err := refuseLacking(lab.content, guest, v, opts); err != nil {
		return nil, nil, err
	}
	if host.NodeNames, err = settleNodes(lab.content, host); err != nil {
		return nil, nil, err
	}
	renamed, err := e.withNodes(lab, host.NodeNames)
	if err != nil {
		return nil, nil, err
	}
	op, err := newOperator(host.Config)
	if err != nil {
		return nil, nil, err
	}
	op.rights = host.Kubectl + " auth can-i --list"
	if err := op.refuseOthers(ctx, renamed.content, host, onItsOwn(id, opts)); err != nil {
		return nil, nil, err
	}
	if v.Changes, err = op.plan(ctx, renamed.content, step.content.ID); err != nil {
		return nil, nil, err
	}
	return v, renamed, refuseAnother(v)
}

// refuseAnother keeps a lab from taking away what another session of it has on the cluster: somebody else's, or one that was forgotten.
func refuseAnother(v *Visit) error {
	if v.Host.Settled {
		return nil
	}
	var there []string
	for _, c := range v.Changes {
		if c.Action == Replace || c.Action == Remove {
			there = append(there, nameOf(c.Kind, c.Namespace, c.Name))
		}
	}
	if len(there) == 0 {
		return nil
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("the lab %s is on %s already, from another session: %s. Somebody may be playing it, and nothing was changed. If it is left over from one of yours, remove what carries the label first",
			v.Lab, v.Host.Context, strings.Join(there, ", ")),
		fmt.Sprintf("%[2]s には、別のセッションのラボ %[1]s がすでにあります: %[3]s。ほかの人が使っているかもしれないため、何も変更していません。ご自身の使い残しであれば、ラベルの付いたものを先に削除してください",
			v.Lab, v.Host.Context, strings.Join(there, "、")),
		v.Host.Kubectl+" get namespaces -l "+labLabel+"="+v.Lab)
}

// changesNodes reports whether the lab's tasks cordon or drain nodes: it or a step says so, or its checks look for that.
func changesNodes(lab *content.Lab) bool {
	if slices.Contains(lab.Requires, string(cluster.Nodes)) {
		return true
	}
	return slices.ContainsFunc(lab.Steps, func(step *content.Step) bool {
		return slices.Contains(step.Requires, string(cluster.Nodes)) || slices.ContainsFunc(step.Checks, func(c content.Check) bool { return c.Use == "node/cordoned" || c.Use == "node/drained" })
	})
}

// commandOf is the command that asks for the visit.
func commandOf(lab, kind string, place cluster.Place, opts StartOptions) string {
	words := []string{"k8slab start"}
	add := func(flag, value string) {
		if value != "" {
			words = append(words, flag+" "+value)
		}
	}
	add("--from", opts.From)
	words = append(words, lab)
	add("--cluster", kind)
	add("--kubeconfig", place.Kubeconfig)
	add("--context", place.Context)
	add("--subscription", place.Subscription)
	add("--resource-group", place.ResourceGroup)
	add("--name", place.Name)
	add("--step", opts.Step)
	add("--acknowledge", opts.Acknowledge)
	if place.Admin {
		words = append(words, "--admin")
	}
	if opts.AllowNodes {
		words = append(words, "--allow-nodes")
	}
	return strings.Join(words, " ")
}

// refuseProduction keeps labs off clusters that people depend on, unless the person names the cluster and says that it is all right.
func refuseProduction(v *Visit, opts StartOptions) error {
	host, acknowledged := v.Host, opts.Acknowledge
	if acknowledged != "" && acknowledged != host.Context {
		return problem.New(problem.Usage,
			fmt.Sprintf("--acknowledge has to be the name of the context, which is %s and not %s", host.Context, acknowledged),
			fmt.Sprintf("--acknowledge にはコンテキストの名前を指定してください。%[2]s ではなく %[1]s です", host.Context, acknowledged), "k8slab start --help")
	}
	if len(host.Production) == 0 || acknowledged == host.Context || host.Settled {
		return nil
	}
	var en, ja []string
	for _, sign := range host.Production {
		en, ja = append(en, sign.EN), append(ja, sign.JA)
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("%s (%s) looks like a cluster that people depend on: %s. Nothing was changed. A lab is better off on a cluster of its own; if this one is there to be played with, add --acknowledge %s",
			host.Context, host.Server, strings.Join(en, "; "), host.Context),
		fmt.Sprintf("%s (%s) は、人が使っているクラスターのようです: %s。何も変更していません。ラボは専用のクラスターで行うことをお勧めします。演習に使ってよいクラスターなら --acknowledge %s を付けてください",
			host.Context, host.Server, strings.Join(ja, "。"), host.Context),
		onItsOwn(v.Lab, opts))
}

// onItsOwn is the command that plays the lab on a cluster of its own.
func onItsOwn(lab string, opts StartOptions) string {
	return commandOf(lab, "embedded", cluster.Place{}, StartOptions{From: opts.From})
}

// refuseLacking is about capabilities of a cluster that somebody else made.
func refuseLacking(lab *content.Lab, p cluster.Provider, v *Visit, opts StartOptions) error {
	missing := lacks(lab.Requires, capable(p))
	if len(missing) == 0 && changesNodes(lab) && !v.Host.NodesAllowed {
		next := v.Command + " --allow-nodes"
		if opts.planning {
			next += " --dry-run"
		}
		return problem.New(problem.Usage,
			fmt.Sprintf("the tasks of %s cordon and drain nodes, which others may need. If they may be, add --allow-nodes", lab.ID),
			fmt.Sprintf("ラボ %s の課題では、ほかの人も使っているかもしれないノードを cordon したりドレインしたりします。差し支えなければ --allow-nodes を付けてください", lab.ID),
			next)
	}
	return lacking(lab, p, missing)
}

// differences are in what the cluster is not what the lab asks for, and a lab can be played all the same.
func differences(lab *content.Lab, host *cluster.Host) []content.Text {
	var notes []content.Text
	if have := releaseOf(host.Version); have != lab.Cluster.Release {
		notes = append(notes, content.Text{
			EN: fmt.Sprintf("the lab was written for Kubernetes %s; this is %s", lab.Cluster.Release, host.Version),
			JA: fmt.Sprintf("このラボは Kubernetes %s 向けです。このクラスターは %s です", lab.Cluster.Release, host.Version),
		})
	}
	want, have := map[string]bool{}, map[string]bool{}
	for _, n := range lab.Cluster.Nodes {
		want[n.Zone] = true
	}
	for _, n := range host.Nodes {
		have[n.Zone] = true
	}
	if len(have) < len(want) {
		notes = append(notes, content.Text{
			EN: fmt.Sprintf("the lab's nodes are in %d zones; the nodes here are in %d", len(want), len(have)),
			JA: fmt.Sprintf("ラボのノードは %d 個のゾーンに分かれていますが、このクラスターでは %d 個です", len(want), len(have)),
		})
	}
	return notes
}

// withNodes returns the lab with the names that its nodes have on the cluster.
func (e *Engine) withNodes(lab *linkedLab, names map[string]string) (*linkedLab, error) {
	if len(names) == 0 {
		return lab, nil
	}
	renamed, err := content.Renamed(lab.content, names)
	if err != nil {
		return nil, fmt.Errorf("the lab %s with the cluster's nodes: %w", lab.content.ID, err)
	}
	return link(renamed, e.cfg.Vocabulary)
}

// settleNodes chooses a node of the cluster for each of the lab's, zone by zone, and keeps an earlier choice as long as it can be kept.
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
			fmt.Sprintf("the lab %s is written for %d nodes; %s has %d that take pods", lab.ID, len(lab.Cluster.Nodes), host.Context, count),
			fmt.Sprintf("ラボ %s には %d 個のノードが必要です。%s には Pod を受け入れるノードが %d 個あります", lab.ID, len(lab.Cluster.Nodes), host.Context, count),
			host.Kubectl+" get nodes")
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

// refuseAbandoned keeps a lab from being begun on one kind of cluster as long as it has a cluster of another kind, or objects on one that
// somebody else made: the journal points to one of them, and nobody would find the other. Where the lab goes on there may be both.
func (e *Engine) refuseAbandoned(ctx context.Context, lab string, attempt *progress.Lab, p cluster.Provider) error {
	if attempt != nil && attempt.Provider == p.Name() {
		return nil
	}
	for _, before := range e.cfg.Providers {
		if before.Name() == p.Name() {
			continue
		}
		c, err := before.Find(ctx, lab)
		_, isGuest := before.(cluster.Guest)
		switch {
		case errors.Is(err, cluster.ErrNotFound):
		case isGuest && err != nil:
			return err
		case isGuest:
			return problem.New(problem.Cluster,
				fmt.Sprintf("the lab %s is being played on %s; that has to be cleaned up before it begins elsewhere", lab, c.Server),
				fmt.Sprintf("ラボ %s は %s で進行中です。別の場所で始める前に、そちらを片付けてください", lab, c.Server),
				"k8slab delete "+lab)
		case err != nil || c.State == cluster.Stopped && len(c.Components) == 0:
			// Without its engine nothing runs of it, and nobody could delete it.
		default:
			return problem.New(problem.Cluster,
				fmt.Sprintf("the lab %s has a cluster of the kind %s; go on with that by --cluster %[2]s, or delete it first", lab, before.Name()),
				fmt.Sprintf("ラボ %s には %s クラスターがあります。--cluster %[2]s で続けるか、先に削除してください", lab, before.Name()),
				"k8slab delete "+lab)
		}
	}
	return nil
}

// refuseMismatch refuses a lab on a kind of cluster that it cannot be played on, or that the options do not fit. What a cluster of
// somebody else's lacks is told when it was looked at.
func (e *Engine) refuseMismatch(ctx context.Context, lab *content.Lab, attempt *progress.Lab, p cluster.Provider, opts StartOptions) error {
	if _, isGuest := p.(cluster.Guest); !isGuest {
		if !opts.Place.IsZero() || opts.AllowNodes || opts.Acknowledge != "" {
			return notAGuest(lab.ID, p)
		}
		if err := lacking(lab, p, lacks(lab.Requires, p.Capabilities())); err != nil {
			return err
		}
	} else if opts.APIPort != 0 {
		return problem.New(problem.Usage,
			"--api-port is for clusters that k8slab makes; this one has an address already",
			"--api-port は k8slab が作るクラスターで使います。このクラスターのアドレスはすでに決まっています", "k8slab start --help")
	}
	return e.refuseAbandoned(ctx, lab.ID, attempt, p)
}

func notAGuest(lab string, p cluster.Provider) error {
	return problem.New(problem.Usage,
		fmt.Sprintf("a cluster of the kind %s is made for the lab; flags that name a cluster go with --cluster existing or --cluster aks", p.Name()),
		fmt.Sprintf("%s クラスターはラボのために作られます。既存のクラスターを指定するフラグは --cluster existing または --cluster aks と一緒に使います", p.Name()),
		"k8slab start --help")
}

// lacking is nil where nothing is missing.
func lacking(lab *content.Lab, p cluster.Provider, missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("the lab %s needs %s, which a cluster of the kind %s does not have", lab.ID, joinNames(missing), p.Name()),
		fmt.Sprintf("ラボ %s には %s が必要ですが、%s クラスターにはありません", lab.ID, joinNames(missing), p.Name()),
		"k8slab start "+lab.ID)
}

// Forget drops what is known about the cluster of the lab and leaves that cluster as it is.
func (e *Engine) Forget(ctx context.Context, lab string) error {
	return e.withCluster(ctx, lab, func(p cluster.Provider) error {
		guest, ok := p.(cluster.Guest)
		if !ok {
			return problem.New(problem.Usage,
				fmt.Sprintf("--forget is for clusters that somebody else made; this one, of the kind %s, is deleted", p.Name()),
				fmt.Sprintf("--forget は、ほかの人が作ったクラスターで使います。%s クラスターは削除してください", p.Name()), "k8slab delete "+lab)
		}
		return errors.Join(e.dropSessionBaseline(lab), guest.Forget(ctx, lab))
	})
}
