package cluster

import (
	"context"
	"errors"

	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// LabLabel marks an object that k8slab made for a lab; its value is the lab's id. On a cluster that somebody else made,
// k8slab changes and removes no object without this label; a node is uncordoned at most, if the person allows labs to
// change nodes.
const LabLabel = "k8slab.dev/lab"

// Place names one of somebody else's clusters. A provider reads its own fields, and refuses a place that sets others.
type Place struct {
	// Kubeconfig is the path of a file; empty means the files that kubectl would read. Context is the name of a context
	// in it.
	Kubeconfig string `json:"kubeconfig,omitempty"`
	Context    string `json:"context,omitempty"`
	// Subscription is an ID; empty means the only subscription that the person has. ResourceGroup and Name are those of
	// a managed cluster.
	Subscription  string `json:"subscription,omitempty"`
	ResourceGroup string `json:"resourceGroup,omitempty"`
	Name          string `json:"name,omitempty"`
	// Admin asks for the credentials of the cluster's administrator instead of the person's own.
	Admin bool `json:"admin,omitempty"`
}

// IsZero reports whether the place names nothing.
func (p Place) IsZero() bool { return p == Place{} }

// Host is somebody else's cluster as it was found.
type Host struct {
	Place Place `json:"place"`
	// Context and Server are the names by which a person knows the cluster.
	Context string `json:"context"`
	Server  string `json:"server"`
	// User is the name that the API server has for the person.
	User    string `json:"user"`
	Version string `json:"version"`
	// ID is the UID of the namespace kube-system: a cluster that was made again at the same address has another ID.
	ID    string     `json:"id"`
	Nodes []HostNode `json:"nodes"`
	// Production lists the reasons why the cluster looks like one that people depend on.
	Production []text.Text `json:"production,omitempty"`
	// Settled: with the person's consent, a lab is being played on the cluster already.
	Settled bool `json:"settled"`
	// NodesAllowed: the person has said that the lab's tasks may change nodes.
	NodesAllowed bool `json:"nodesAllowed"`
	// NodeNames maps the lab's names of nodes to the cluster's own names.
	NodeNames map[string]string `json:"nodeNames,omitempty"`
	// Kubectl is the beginning of a kubectl command that asks this cluster, whatever the person's current context is.
	Kubectl string `json:"-"`
	// Config reaches the cluster with the person's credentials.
	Config *rest.Config `json:"-"`
}

// HostNode is a node of somebody else's cluster.
type HostNode struct {
	Node
	// Cordoned: spec.unschedulable is set.
	Cordoned bool `json:"cordoned"`
	// TakesPods: the node is Ready and not cordoned, and no taint keeps pods away.
	TakesPods bool `json:"takesPods"`
}

// Departure is what was done when a lab left somebody else's cluster. Objects are written as kind/name, or
// kind/namespace/name.
type Departure struct {
	Server string `json:"server"`
	// Removed lists the objects that were removed. Each carried the label.
	Removed []string `json:"removed"`
	// Left lists the objects that still carry the label: somebody's finalizer holds them, or they could not be deleted.
	Left []string `json:"left,omitempty"`
	// Unseen lists the kinds of objects that may not or cannot be listed. Objects of these kinds may still carry the
	// label.
	Unseen []string `json:"unseen,omitempty"`
	// Uncordoned lists the nodes that took pods when the lab began, and that were uncordoned to do so again.
	Uncordoned []string `json:"uncordoned,omitempty"`
	// Cordoned lists the nodes that took pods when the lab began, and that are left cordoned.
	Cordoned []string `json:"cordoned,omitempty"`
}

// Guest is a provider of clusters that somebody else made. It makes no cluster: a lab's cluster has to be named, looked
// at and settled on.
type Guest interface {
	Provider
	// Look finds the cluster at the place, and changes nothing in the cluster or on this machine. The zero Place is the
	// cluster that was settled on for name; if there is none, the problem says what can be named.
	Look(ctx context.Context, name string, place Place) (*Host, error)
	// Settle keeps host for name: from now on Ensure, Find and Config are about this cluster.
	Settle(ctx context.Context, name string, host *Host) error
	// Leave removes the objects that carry the label of name from the cluster, and forgets the choice.
	Leave(ctx context.Context, name string) (*Departure, error)
	// OpenNodes uncordons the nodes that took pods when the lab began, if the person allows labs to change nodes, and
	// returns their names.
	OpenNodes(ctx context.Context, name string) ([]string, error)
	// Forget forgets the choice and leaves the cluster as it is. The cluster need not answer.
	Forget(ctx context.Context, name string) error
}

// ManagedFacts is a provider whose clusters a cloud runs.
type ManagedFacts interface {
	// Managed asks the cloud about the cluster of that name. The cluster itself need not answer: it may be stopped.
	Managed(ctx context.Context, name string) (*managed.Cluster, error)
}

// Finding is one result of a preflight.
type Finding struct {
	// Name is a stable identifier, such as "login".
	Name string
	// State is "ok", "note" or "problem".
	State string
	Found text.Text
	// Next is what to do about the finding; zero if there is nothing to do.
	Next action.Action
}

// FindingOf returns the finding that something does not work. If err is a problem, the finding has its words and its
// next step.
func FindingOf(name string, err error) Finding {
	f := Finding{Name: name, State: "problem", Found: text.Plain(err.Error())}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		f.Found, f.Next = p.What, p.Next
	}
	return f
}

// Examiner is a provider that can look, before a lab is played, at what a cluster needs. It changes nothing.
type Examiner interface {
	Examine(ctx context.Context, place Place) []Finding
}
