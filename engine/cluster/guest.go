package cluster

import (
	"context"
	"errors"

	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
)

// LabLabel marks what k8slab made for a lab, whose id is its value. On a cluster that somebody else made nothing without it is ever
// changed or removed.
const LabLabel = "k8slab.dev/lab"

// Place says which of somebody else's clusters is meant. A provider reads the fields that are its own and refuses the others.
type Place struct {
	// Kubeconfig is the path of a file; empty means what kubectl would read. Context is the name of a context in it.
	Kubeconfig string `json:"kubeconfig,omitempty"`
	Context    string `json:"context,omitempty"`
	// Subscription is an ID; empty means the only one that the person has. ResourceGroup and Name are those of a managed cluster.
	Subscription  string `json:"subscription,omitempty"`
	ResourceGroup string `json:"resourceGroup,omitempty"`
	Name          string `json:"name,omitempty"`
	// Admin asks for the credentials of the cluster's administrator instead of the person's own.
	Admin bool `json:"admin,omitempty"`
}

// IsZero reports whether no place is named.
func (p Place) IsZero() bool { return p == Place{} }

// Host is somebody else's cluster as it was found.
type Host struct {
	Place Place `json:"place"`
	// Context and Server are what a person knows the cluster by.
	Context string `json:"context"`
	Server  string `json:"server"`
	// User is whom the API server takes the person for.
	User    string `json:"user"`
	Version string `json:"version"`
	// ID is the UID of the namespace kube-system: a cluster that was made anew at the same address has another.
	ID    string     `json:"id"`
	Nodes []HostNode `json:"nodes"`
	// Production says, one by one, why the cluster looks like one that people depend on.
	Production []content.Text `json:"production,omitempty"`
	// Settled: a lab is being played there already, with the person's consent.
	Settled bool `json:"settled"`
	// NodesAllowed: the person has said that the lab's tasks may change nodes.
	NodesAllowed bool `json:"nodesAllowed"`
	// NodeNames are the names of nodes by those that the lab has for them.
	NodeNames map[string]string `json:"nodeNames,omitempty"`
	// Kubectl begins a command of the person's that asks this cluster, whatever their current context is.
	Kubectl string `json:"-"`
	// Config reaches the cluster as the person.
	Config *rest.Config `json:"-"`
}

// HostNode is a node of somebody else's cluster.
type HostNode struct {
	Node
	// Cordoned: spec.unschedulable is set.
	Cordoned bool `json:"cordoned"`
	// TakesPods: it is Ready, it is not cordoned, and no taint keeps pods away.
	TakesPods bool `json:"takesPods"`
}

// Departure is what was done when a lab left somebody else's cluster. Objects are written as kind/name, or kind/namespace/name.
type Departure struct {
	Server string `json:"server"`
	// Removed carried the label.
	Removed []string `json:"removed"`
	// Left still carries the label: somebody's finalizer holds it, or it could not be deleted.
	Left []string `json:"left,omitempty"`
	// Unseen are kinds of objects that may not or cannot be listed, so that there may be some of them with the label.
	Unseen []string `json:"unseen,omitempty"`
	// Uncordoned are nodes that took pods when the lab began, and do so again.
	Uncordoned []string `json:"uncordoned,omitempty"`
	// Cordoned are nodes that took pods when the lab began, and do not now.
	Cordoned []string `json:"cordoned,omitempty"`
}

// Guest is a provider of clusters that somebody else made. It makes none: one has to be named, looked at and settled on.
type Guest interface {
	Provider
	// Look finds the cluster at the place, and changes nothing in it or on this machine. The zero Place is the one that was settled on
	// for name; where there is none, the problem says what can be named.
	Look(ctx context.Context, name string, place Place) (*Host, error)
	// Settle keeps host for name: from now on Ensure, Find and Config are about it.
	Settle(ctx context.Context, name string, host *Host) error
	// Leave removes what carries the label of name from its cluster, and forgets the choice.
	Leave(ctx context.Context, name string) (*Departure, error)
	// OpenNodes uncordons the nodes that took pods when the lab began, where the person allows labs to change nodes, and names them.
	OpenNodes(ctx context.Context, name string) ([]string, error)
	// Forget forgets the choice and leaves the cluster as it is. It needs no answer from it.
	Forget(ctx context.Context, name string) error
}

// ManagedFacts is a provider whose clusters a cloud runs.
type ManagedFacts interface {
	// Managed asks the cloud about the cluster of that name. It needs no answer from the cluster, which may be stopped.
	Managed(ctx context.Context, name string) (*managed.Cluster, error)
}

// Finding is something that a preflight found.
type Finding struct {
	// Name is a stable identifier, such as "login".
	Name string
	// State is "ok", "note" or "problem".
	State string
	Found content.Text
	// Next is a command to type, or empty.
	Next string
}

// FindingOf is the finding that something does not work, in the words of the problem where the error is one.
func FindingOf(name string, err error) Finding {
	f := Finding{Name: name, State: "problem", Found: content.Text{EN: err.Error(), JA: err.Error()}}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		f.Found, f.Next = p.What, p.Next
	}
	return f
}

// Examiner is a provider that can look at what a cluster needs before a lab is played on it. It changes nothing.
type Examiner interface {
	Examine(ctx context.Context, place Place) []Finding
}
