package seed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/k8slab/k8slab/engine/action"
)

// poll is how often the cluster is asked again while something is waited for.
const poll = 20 * time.Millisecond

// operator is k8slab's own client of a cluster: it seeds and clears.
type operator struct {
	dynamic dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
	// rights is, on a cluster that somebody else made, the action that shows the person what they may do.
	rights action.Action
}

func newOperator(cfg *rest.Config) (*operator, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1
	cfg.UserAgent = "k8slab"
	cfg.WarningHandler = rest.NoWarnings{} // deprecation warnings are for authors, not for learners
	dyn, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	disco, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, err
	}
	return &operator{dynamic: dyn, mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco))}, nil
}

// resource returns the client for objects of the kind in the namespace.
func (op *operator) resource(gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := op.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return op.dynamic.Resource(mapping.Resource), nil
	}
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return op.dynamic.Resource(mapping.Resource).Namespace(namespace), nil
}

// errGone says that an object of a starting state disappeared before the starting state was complete.
var errGone = errors.New("it has gone")

// seed creates the objects in their order, makes the changes, and waits until the cluster has settled on them. It
// creates a ReplicaSet only when the pods that the ReplicaSet is to adopt are ready. The ReplicaSet's controller hears
// of pods late: it would create further pods in place of those that it does not know yet, and then delete as many of
// all pods.
func (op *operator) seed(ctx context.Context, s *Scenario) error {
	var pods []*unstructured.Unstructured
	for _, o := range s.objects {
		switch o.GetKind() {
		case "Pod":
			pods = append(pods, o)
		case "ReplicaSet":
			if err := op.settle(ctx, s, pods); err != nil {
				return err
			}
		}
		if err := op.create(ctx, o); err != nil {
			return fmt.Errorf("create %s %s: %w", strings.ToLower(o.GetKind()), o.GetName(), err)
		}
	}
	for _, o := range s.changes {
		if err := op.change(ctx, o); err != nil {
			return fmt.Errorf("change %s %s: %w", strings.ToLower(o.GetKind()), o.GetName(), err)
		}
	}
	return op.settle(ctx, s, s.objects)
}

// change writes the object over the existing one. If a controller writes to that one at the same time, change tries
// again.
func (op *operator) change(ctx context.Context, o *unstructured.Unstructured) error {
	r, err := op.resource(o.GroupVersionKind(), o.GetNamespace())
	if err != nil {
		return err
	}
	return eventually(ctx, func() (bool, error) {
		live, err := r.Get(ctx, o.GetName(), metav1.GetOptions{})
		if err != nil {
			return !retriable(err), err
		}
		o.SetResourceVersion(live.GetResourceVersion())
		_, err = r.Update(ctx, o, metav1.UpdateOptions{})
		return err == nil || !apierrors.IsConflict(err) && !retriable(err), err
	})
}

// create retries errors that a moment fixes: a namespace whose ServiceAccount has yet to appear, a kind that was
// defined just now, an object of the same name that is still being deleted.
func (op *operator) create(ctx context.Context, o *unstructured.Unstructured) error {
	return eventually(ctx, func() (bool, error) {
		r, err := op.resource(o.GroupVersionKind(), o.GetNamespace())
		if meta.IsNoMatchError(err) {
			op.mapper.Reset()
			return false, err
		}
		if err != nil {
			return false, err
		}
		_, err = r.Create(ctx, o, metav1.CreateOptions{})
		switch {
		case err == nil:
			return true, nil
		case apierrors.IsAlreadyExists(err), apierrors.IsForbidden(err), apierrors.IsNotFound(err), retriable(err):
			return false, err
		default:
			return true, err
		}
	})
}

// retriable reports an error of the connection or of a busy server, which says nothing about the request.
func retriable(err error) bool {
	var status apierrors.APIStatus
	return !errors.As(err, &status) || apierrors.IsInternalError(err) || apierrors.IsServerTimeout(err) ||
		apierrors.IsTooManyRequests(err) || apierrors.IsServiceUnavailable(err)
}

// eventually calls f until it says that it is done, and returns its last error when ctx ends first.
func eventually(ctx context.Context, f func() (done bool, err error)) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, poll, true, func(context.Context) (bool, error) {
		done, err := f()
		if last = err; done {
			return true, err
		}
		return false, nil
	})
	if err != nil && last != nil && !errors.Is(err, context.Canceled) {
		return last
	}
	return err
}
