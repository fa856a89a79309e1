package cluster

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/history"
)

// ErrNotFound says that a provider has no cluster of that name.
var ErrNotFound = errors.New("cluster not found")

// Spec is the cluster that a lab wants.
type Spec struct {
	// Name is unique among a provider's clusters; labs use their id.
	Name string
	// Release of the control plane with which the cluster is made: "1.37". An upgrade does not change it.
	Release string
	// RuntimeConfig lists group versions that the API server serves besides its defaults: "storage.k8s.io/v1beta1". A
	// group version that the running release no longer has is left out.
	RuntimeConfig []string
	Nodes         []Node
	// History names further resources whose changes are recorded, if the provider keeps a record:
	// "certificates.v1.cert-manager.io".
	History []string `json:",omitempty"`
	// APIPort fixes the API server's port on loopback; zero picks a free one.
	APIPort int
	// Begin is for a provider whose upgrades take long. It only matters when the cluster is made.
	Begin Beginning `json:"-"`
}

// Beginning holds the releases with which a cluster may be made, for a lab that would upgrade it to them at once.
type Beginning struct {
	// Release of the control plane; empty means the spec's.
	Release string
	// Kubelets are releases by node name. A node that is missing here gets the release of the spec.
	Kubelets map[string]string
}

// Begun returns the spec with the releases of Begin in place of its own.
func (s Spec) Begun() Spec {
	s.Nodes = slices.Clone(s.Nodes)
	for i := range s.Nodes {
		n := &s.Nodes[i]
		n.Version = cmp.Or(s.Begin.Kubelets[n.Name], n.Version, s.Release)
	}
	s.Release = cmp.Or(s.Begin.Release, s.Release)
	return s
}

// Node of a cluster.
type Node struct {
	Name, Zone, Pool string
	// Version of the kubelet: "1.37"; empty means the control plane's.
	Version string
}

// State of a cluster.
type State string

const (
	Running State = "running"
	Stopped State = "stopped"
	// Degraded: it exists, but a part that should run does not.
	Degraded State = "degraded"
)

// Cluster is what a provider knows about one cluster at this moment.
type Cluster struct {
	Name     string `json:"name"`
	Provider string `json:"provider"`
	State    State  `json:"state"`
	// Version of the API server, for example "v1.37.2".
	Version string `json:"version"`
	// Server is the API server's URL.
	Server string `json:"server"`
	// Kubeconfig is the learner's own file.
	Kubeconfig string      `json:"kubeconfig"`
	Components []Component `json:"components,omitempty"`
	// NodeNames maps the lab's names of nodes to the cluster's own names, if they differ: see Guest.
	NodeNames map[string]string `json:"nodeNames,omitempty"`
}

// Component is one process of the control plane.
type Component struct {
	Name string `json:"name"`
	// State is "running", "stopped" (asked for) or "crashed" (waiting to be restarted).
	State    string    `json:"state"`
	PID      int       `json:"pid,omitempty"`
	Since    time.Time `json:"since"`
	Restarts int       `json:"restarts"`
	// LastError says how the process ended last; empty if it never ended.
	LastError string `json:"lastError,omitempty"`
}

// Identity is the user as whom a client speaks; the audit log tells identities apart.
type Identity string

const (
	// Learner is the user of the learner's kubeconfig.
	Learner Identity = "learner"
	// Grader reads the cluster to grade it.
	Grader Identity = "k8slab:grader"
	// Operator seeds and resets the lab.
	Operator Identity = "k8slab:operator"
	// Historian watches the cluster to record it.
	Historian Identity = "k8slab:historian"
)

// Phase reports progress: once when a phase begins, with Done false, and once when it ends.
type Phase struct {
	// Name is a stable identifier, for example "control-plane"; the command line has words for it in each language.
	Name    string
	Done    bool
	Elapsed time.Duration
	// Detail is a technical name, for example "v1.37.2" or "4 nodes".
	Detail string
}

// Progress receives phases. It may be nil.
type Progress func(Phase)

// Run reports a phase around f.
func (p Progress) Run(name string, f func() (detail string, err error)) error {
	if p == nil {
		_, err := f()
		return err
	}
	begin := time.Now()
	p(Phase{Name: name})
	detail, err := f()
	if err == nil {
		p(Phase{Name: name, Done: true, Elapsed: time.Since(begin), Detail: detail})
	}
	return err
}

// Provider makes clusters. Existence is discovered, never remembered.
type Provider interface {
	Name() string
	// Available returns a problem that says what this machine lacks for a cluster like spec, and how to get it; nil if
	// nothing is missing.
	Available(ctx context.Context, spec Spec) error
	// Ensure brings the cluster up from whatever state it is in. It is idempotent.
	Ensure(ctx context.Context, spec Spec, progress Progress) (*Cluster, error)
	// Find returns ErrNotFound for a cluster that does not exist.
	Find(ctx context.Context, name string) (*Cluster, error)
	// Delete removes the cluster and everything that belongs to it. A cluster that does not exist is no error.
	Delete(ctx context.Context, name string) error
	// Config returns how to reach a running cluster as id.
	Config(ctx context.Context, name string, id Identity) (*rest.Config, error)
}

// As returns the provider as a T, one of the optional interfaces of this package, and false if the provider does not
// implement T. It sees through decorators, which have a method Unwrap() Provider.
func As[T any](p Provider) (T, bool) {
	for p != nil {
		if t, ok := p.(T); ok {
			return t, true
		}
		decorator, ok := p.(interface{ Unwrap() Provider })
		if !ok {
			break
		}
		p = decorator.Unwrap()
	}
	var none T
	return none, false
}

// Lister is a provider that can name its clusters.
type Lister interface {
	List(ctx context.Context) ([]string, error)
}

// Stopper is a provider whose clusters can be stopped without losing their state; Ensure starts them again.
type Stopper interface {
	Stop(ctx context.Context, name string) error
}

// ComponentControl stops and starts one component of the control plane. A stopped component stays stopped until it is
// started, or its cluster is.
type ComponentControl interface {
	StopComponent(ctx context.Context, name, component string) error
	StartComponent(ctx context.Context, name, component string) error
}

// LogFiles is a provider whose clusters keep logs in files.
type LogFiles interface {
	// Logs returns the names of the logs.
	Logs() []string
	// LogFile returns the path of the log of that name, which is one of Logs. The file need not exist yet.
	LogFile(ctx context.Context, name, log string) (path string, err error)
}

// ErrNoCheckpoint says that there is no checkpoint of that name.
var ErrNoCheckpoint = errors.New("checkpoint not found")

// Checkpoint is a saved state of a cluster.
type Checkpoint struct {
	Name  string    `json:"name"`
	Saved time.Time `json:"saved"`
	// Bytes is the size on disk.
	Bytes int64 `json:"bytes"`
}

// Checkpointer is a provider that can bring a running cluster back to a saved state: every object, with its UID.
type Checkpointer interface {
	// SaveCheckpoint saves the state under the name and replaces an earlier one.
	SaveCheckpoint(ctx context.Context, name, checkpoint string) error
	// RestoreCheckpoint returns ErrNoCheckpoint if no checkpoint of that name was saved. When it returns, the objects
	// are back; the controllers are about to act on them.
	RestoreCheckpoint(ctx context.Context, name, checkpoint string) error
	// Checkpoints returns the cluster's checkpoints, oldest first.
	Checkpoints(ctx context.Context, name string) ([]Checkpoint, error)
}

// Simulator is a provider whose workloads are simulated and can be told how to behave.
type Simulator interface {
	// SetBehaviors replaces all behaviors set before with those in the YAML documents, of the kind SimulatedWorkload.
	SetBehaviors(ctx context.Context, name string, documents []byte) error
}

// ImageLoader is a provider whose nodes run real images and can be given the images of this machine.
type ImageLoader interface {
	// LoadImages gives the nodes those of the images that this machine has; the nodes pull the others. An image is
	// loaded once.
	LoadImages(ctx context.Context, name string, images []string) error
}

// NodePower is a provider that can switch the machines of its nodes off and on.
type NodePower interface {
	// StopNode takes the power away: nothing is drained, and nobody is told.
	StopNode(ctx context.Context, name, node string) error
	StartNode(ctx context.Context, name, node string) error
	// RebootNode returns at once; the node comes back some seconds later with another boot ID.
	RebootNode(ctx context.Context, name, node string) error
	// TouchNode creates an empty file on the machine.
	TouchNode(ctx context.Context, name, node, file string) error
}

// Kubectl is a provider that brings a kubectl which fits the cluster.
type Kubectl interface {
	// Kubectl returns the path of an executable file named kubectl.
	Kubectl(ctx context.Context, name string) (path string, err error)
}

// Environment is a provider whose clusters another process finds only with parts of this process's environment. Such a
// process is an answer under proof: it has another home, and no variables but those that it is given.
type Environment interface {
	// Environment returns variables as NAME=VALUE, and folders for the end of PATH.
	Environment() (variables, path []string)
}

// Capacity is a provider that knows how much of a machine its clusters take.
type Capacity interface {
	// Capacity returns how many clusters of a lab this machine can be expected to serve at once, and at least 1.
	Capacity() int
}

// AuditLogFile is a provider that keeps the API server's audit log in files of JSON lines: the log and its rotated
// parts.
type AuditLogFile interface {
	AuditLog(ctx context.Context, name string) (paths []string, err error)
}

// UpgradeOrder is an upgrade that was asked for, and whose preflight has been done.
type UpgradeOrder struct {
	// Release to go to: "1.37".
	Release string
	// Forced and Ignored are recorded. Ignored lists what stood in the way of a forced upgrade, one finding an entry.
	Forced  bool
	Ignored []string
	// Pods are the workload pods that are still on the node, as namespace/name; they are recorded.
	Pods []string
}

// Upgrader is a provider that can bring the control plane to the next minor release, on the data that it has.
type Upgrader interface {
	// Upgrade replaces the API server, then the controllers, then the scheduler, and reports the phases "save",
	// "api-server", "controllers", "scheduler" and "ready". An upgrade that has begun is finished or undone, whatever
	// becomes of ctx. It goes up by one minor release and never down. If the new version does not become ready, the old
	// version runs again: the result then says history.RolledBack and why, and the error is nil.
	Upgrade(ctx context.Context, name string, order UpgradeOrder, progress Progress) (history.Upgrade, error)
}

// NodeUpgrader is a provider that can bring a node's kubelet to another release, at most that of the API server.
type NodeUpgrader interface {
	// UpgradeNode returns when the Node object shows the version. The node is Ready again some seconds later.
	UpgradeNode(ctx context.Context, name, node string, order UpgradeOrder) (history.Upgrade, error)
}

// UpgradeLog is a provider that remembers the upgrades of its clusters.
type UpgradeLog interface {
	// Upgrades returns them oldest first.
	Upgrades(ctx context.Context, name string) ([]history.Upgrade, error)
}

// Releases is a provider that can say which releases its clusters could run on this machine.
type Releases interface {
	// Releases returns the releases, oldest first: "1.36", "1.37".
	Releases(ctx context.Context) ([]string, error)
}

// KubeletSetter is a provider that can give its nodes a kubelet of any release as a starting state, even one that is
// newer than the API server or older than the present kubelet. The change is not recorded.
type KubeletSetter interface {
	// SetKubelets takes releases by node name, and returns when the Node objects show them.
	SetKubelets(ctx context.Context, name string, releases map[string]string) error
}

// Recorder is a provider that records the history of its clusters while they run.
type Recorder interface {
	// Recording returns the folder of the record, which package history reads. It need not exist.
	Recording(ctx context.Context, name string) (dir string, err error)
	// CatchUp returns when everything that happened in the cluster before the call is in the record.
	CatchUp(ctx context.Context, name string) error
}
