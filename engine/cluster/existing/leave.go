package existing

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

const (
	// leaveTimeout is how long objects may take to be gone; a namespace is gone when its pods have ended.
	leaveTimeout = 2 * time.Minute
	leavePoll    = 100 * time.Millisecond
)

// Leave implements cluster.Guest.
func (p *Provider) Leave(ctx context.Context, name string) (*cluster.Departure, error) {
	f := p.folder(name)
	c, err := f.read()
	if err != nil {
		return nil, err
	}
	cfg, err := p.load(ctx, name, c)
	if err != nil {
		return nil, unforgotten(err, name) // the problem's own next step, such as signing in, comes first
	}
	if _, err := p.same(ctx, name, c, cfg); err != nil {
		return nil, forgettable(err, name)
	}
	rc, err := restConfig(cfg)
	if err != nil {
		return nil, err
	}
	left := &cluster.Departure{Server: c.Server, Removed: []string{}}
	if err := openNodes(ctx, rc, c, left); err != nil {
		return nil, forgettable(noAnswer(err, c.Context, c.Server, p.source.Kubectl(c.Place)), name)
	}
	if err := removeLabelled(ctx, rc, name, left); err != nil {
		return nil, forgettable(noAnswer(err, c.Context, c.Server, p.source.Kubectl(c.Place)), name)
	}
	if len(left.Left) > 0 {
		return left, nil // leaving can be tried again
	}
	return left, p.Forget(ctx, name)
}

// OpenNodes implements cluster.Guest.
func (p *Provider) OpenNodes(ctx context.Context, name string) ([]string, error) {
	c, err := p.folder(name).read()
	if err != nil {
		return nil, err
	}
	rc, err := p.Config(ctx, name, cluster.Operator)
	if err != nil {
		return nil, err
	}
	var left cluster.Departure
	err = openNodes(ctx, rc, c, &left)
	return left.Uncordoned, err
}

// forgettable adds to a problem what becomes of the lab's objects, and makes giving up the cluster its next step.
func forgettable(err error, name string) error {
	p, ok := errors.AsType[*problem.Problem](unforgotten(err, name))
	if !ok || errors.Is(err, context.Canceled) {
		return err
	}
	p.Next = forget(name)
	return p
}

// unforgotten adds to a problem what becomes of the lab's objects, and keeps its next step.
func unforgotten(err error, name string) error {
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || errors.Is(err, context.Canceled) {
		return err
	}
	q := *p
	q.What.EN += fmt.Sprintf(". Nothing was forgotten; objects with the label %s=%s may be there still, and %s gives them up", cluster.LabLabel, name, forget(name))
	q.What.JA += fmt.Sprintf("。記録はまだ残してあります。ラベル %s=%s の付いたオブジェクトが残っているかもしれません。%s で記録から外せます", cluster.LabLabel, name, forget(name))
	return &q
}

// labelled is an object that carries the label.
type labelled struct {
	resource  schema.GroupVersionResource
	kind      string
	namespace string
	name      string
	uid       types.UID
}

func (l labelled) String() string {
	if l.namespace == "" {
		return strings.ToLower(l.kind) + "/" + l.name
	}
	return strings.ToLower(l.kind) + "/" + l.namespace + "/" + l.name
}

// removeLabelled deletes every object with the label, whatever its kind, and waits until they are gone. A namespace
// that is deleted takes its content along.
func removeLabelled(ctx context.Context, rc *rest.Config, lab string, left *cluster.Departure) error {
	rc = rest.CopyConfig(rc)
	rc.QPS = -1
	rc.WarningHandler = rest.NoWarnings{}
	kinds, err := listable(rc)
	if err != nil {
		return err
	}
	client, err := metadata.NewForConfig(rc)
	if err != nil {
		return err
	}
	found, unseen, err := findLabelled(ctx, client, kinds, lab)
	if err != nil {
		return err
	}
	left.Unseen = unseen
	background := metav1.DeletePropagationBackground
	refused := map[types.UID]bool{}
	for _, o := range found {
		uid := o.uid
		err := client.Resource(o.resource).Namespace(o.namespace).Delete(ctx, o.name,
			metav1.DeleteOptions{PropagationPolicy: &background, Preconditions: &metav1.Preconditions{UID: &uid}})
		switch {
		case err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err): // a conflict: another object has the name by now
		case unanswered(ctx, err):
			return fmt.Errorf("delete %s: %w", o, err)
		default:
			refused[o.uid] = true
		}
	}
	still, err := awaitGone(ctx, client, found, refused)
	if err != nil {
		return err
	}
	for _, o := range found {
		if slices.Contains(still, o) {
			left.Left = append(left.Left, o.String())
		} else {
			left.Removed = append(left.Removed, o.String())
		}
	}
	return nil
}

// unanswered reports an error after which it is of no use to ask the server about another object: the server did not
// answer, it does not take the credentials, or ctx has ended. Any other error is about one kind or object, such as the
// error of a webhook whose server is gone.
func unanswered(ctx context.Context, err error) bool {
	_, connection := errors.AsType[*url.Error](err)
	return connection || apierrors.IsUnauthorized(err) || ctx.Err() != nil
}

// apiKind is a kind of objects that can be listed and deleted.
type apiKind struct {
	resource schema.GroupVersionResource
	kind     string
}

// listable returns the kinds that the server knows. Namespaces come after the kinds in them, so that these objects are
// named, too.
func listable(rc *rest.Config) ([]apiKind, error) {
	disco, err := discovery.NewDiscoveryClientForConfig(rc)
	if err != nil {
		return nil, err
	}
	lists, err := disco.ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, err // an aggregated API that is down hides no kind of another API
	}
	var kinds []apiKind
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "delete"}}, lists) {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, r := range list.APIResources {
			if r.Kind == "Node" || r.Name == "events" {
				continue // k8slab makes no nodes and no events
			}
			kinds = append(kinds, apiKind{resource: gv.WithResource(r.Name), kind: r.Kind})
		}
	}
	slices.SortStableFunc(kinds, func(a, b apiKind) int {
		return strings.Compare(lastly(a.kind)+a.kind, lastly(b.kind)+b.kind)
	})
	return kinds, nil
}

func lastly(kind string) string {
	switch kind {
	case "Namespace":
		return "1"
	case "CustomResourceDefinition":
		return "2"
	}
	return "0"
}

func findLabelled(ctx context.Context, client metadata.Interface, kinds []apiKind, lab string) (found []labelled, unseen []string, err error) {
	for _, k := range kinds {
		list, err := client.Resource(k.resource).List(ctx, metav1.ListOptions{LabelSelector: cluster.LabLabel + "=" + lab})
		if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
			continue // the kind has gone meanwhile, or is a view of another kind
		}
		if err != nil && (unanswered(ctx, err) || k.kind == "Namespace") { // nearly all objects of labs are in namespaces
			return nil, nil, fmt.Errorf("list %s: %w", k.resource.Resource, err)
		}
		if err != nil {
			unseen = append(unseen, k.resource.GroupResource().String())
			continue
		}
		for i := range list.Items {
			o := &list.Items[i]
			found = append(found, labelled{resource: k.resource, kind: k.kind, namespace: o.Namespace, name: o.Name, uid: o.UID})
		}
	}
	return found, unseen, nil
}

// awaitGone returns the objects that still exist after leaveTimeout.
func awaitGone(ctx context.Context, client metadata.Interface, found []labelled, refused map[types.UID]bool) ([]labelled, error) {
	var still []labelled
	var failed error
	waiting := found
	err := wait.PollUntilContextTimeout(ctx, leavePoll, leaveTimeout, true, func(context.Context) (bool, error) {
		var there []labelled
		for _, o := range waiting {
			if refused[o.uid] {
				still = append(still, o)
				continue
			}
			live, err := client.Resource(o.resource).Namespace(o.namespace).Get(ctx, o.name, metav1.GetOptions{})
			switch {
			case apierrors.IsNotFound(err) || err == nil && live.UID != o.uid:
			case err != nil && unanswered(ctx, err):
				failed = err
				return false, err
			case apierrors.IsForbidden(err):
				still = append(still, o) // the server does not say whether the object is gone
			default:
				there = append(there, o)
			}
		}
		waiting = there
		return len(waiting) == 0, nil
	})
	switch {
	case err == nil:
		return still, nil
	case failed != nil:
		return nil, failed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default: // leaveTimeout is over
		return append(still, waiting...), nil
	}
}

// openNodes uncordons the nodes that took pods when the lab began, if the person has said that the lab may change
// nodes. Otherwise it puts their names into left.Cordoned.
func openNodes(ctx context.Context, rc *rest.Config, c *choice, left *cluster.Departure) error {
	client, err := kubernetes.NewForConfig(rc)
	if err != nil {
		return err
	}
	closed, err := closedNodes(ctx, client, c)
	if err != nil || !c.NodesAllowed {
		left.Cordoned = closed
		return err
	}
	for _, node := range closed {
		_, err := client.CoreV1().Nodes().Patch(ctx, node, types.StrategicMergePatchType, []byte(`{"spec":{"unschedulable":null}}`), metav1.PatchOptions{})
		switch {
		case apierrors.IsForbidden(err):
			left.Cordoned = append(left.Cordoned, node)
		case err != nil:
			return err
		default:
			left.Uncordoned = append(left.Uncordoned, node)
		}
	}
	return nil
}

func closedNodes(ctx context.Context, client kubernetes.Interface, c *choice) ([]string, error) {
	nodes, err := nodesOf(ctx, client)
	if err != nil {
		return nil, err
	}
	var closed []string
	for _, n := range nodes {
		if n.Cordoned && slices.Contains(c.Open, n.Name) {
			closed = append(closed, n.Name)
		}
	}
	return closed, nil
}
