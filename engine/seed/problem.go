package seed

import (
	"context"
	"errors"
	"slices"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Problem says why the starting state could not be made within ctx. If ctx ran out of time, a part of the cluster that
// does not run is the likelier reason.
func (t Target) Problem(ctx context.Context, err error) *problem.Problem {
	var part string
	var next action.Action
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		part, next = t.missingPart(ctx)
	}
	if part == "" {
		return problem.New(problem.Cluster,
			text.New("the starting state of %s could not be made: %v", "%s の開始状態を用意できませんでした: %v", t.Step.ID, err), action.Do(action.Reset).On(t.Lab.ID))
	}
	return problem.New(problem.Cluster,
		text.New("the starting state of %s could not be made, as %s does not run: %v", "%[2]s が動いていないため、%[1]s の開始状態を用意できませんでした: %[3]v", t.Step.ID, part, err), next)
}

// missingPart returns the name of a part of the lab's cluster that does not run, and the action that starts the part or
// tells more about it. The name is empty if there is no such part. ctx may have ended.
func (t Target) missingPart(ctx context.Context) (part string, next action.Action) {
	p, lab := t.Provider, t.Lab.ID
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	c, err := p.Find(ctx, lab)
	if err != nil {
		return "", next
	}
	down := func(c cluster.Component) bool { return c.State != "running" }
	i := slices.IndexFunc(c.Components, down)
	if i < 0 {
		return "", next
	}
	part = c.Components[i].Name
	_, switched := cluster.As[cluster.ComponentControl](p)
	logs, logged := cluster.As[cluster.LogFiles](p)
	switch {
	case !slices.ContainsFunc(c.Components, func(c cluster.Component) bool { return !down(c) }):
		next = action.Do(action.Start).On(lab) // nothing runs at all
	case c.Components[i].State == "stopped" && switched:
		next = action.Do(action.StartComponent).On(lab).With("component", part)
	case logged && slices.Contains(logs.Logs(), part):
		next = action.Do(action.ClusterLogs).On(lab).With("log", part)
	default:
		next = action.Do(action.ClusterStatus).On(lab)
	}
	return part, next
}
