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
	// RuntimeConfig lists group versions that the API server serves besides those that it serves by itself:
	// "storage.k8s.io/v1beta1". One that the running release does not have any more is left out.
	RuntimeConfig []string
	Nodes         []Node
	// History names further resources whose changes are recorded where the cluster keeps a record: "certificates.v1.cert-manager.io".
	History []string `json:",omitempty"`
	// APIPort fixes the API server's port on loopback; zero picks a free one.
	APIPort int
	// Begin is of use to a provider whose upgrades take long, and says nothing of a cluster that is there.
	Begin Beginning `json:"-"`
}

// Beginning are the releases with which a cluster may be made, where the lab's would be upgraded to them at once.
type Beginning struct {
	// Release of the control plane; empty means the spec's.
	Release string
	// Kubelets are releases by the names of nodes; one that is not there has that of the spec.
	Kubelets map[string]string
}

// Begun returns the spec of the cluster as it begins.
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

// Cluster is what a provider knows of one cluster now.
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
	// NodeNames are the names of the cluster's nodes by those that the lab has for them, where they differ: see Guest.
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
	// LastError is how it ended last, where it did.
	LastError string `json:"lastError,omitempty"`
}

// Identity is who a client speaks as; the audit log tells them apart.
type Identity string

const (
	// Learner is the user of the learner's kubeconfig.
	Learner Identity = "learner"
	// Grader reads.
	Grader Identity = "k8slab:grader"
	// Operator seeds and resets the lab.
	Operator Identity = "k8slab:operator"
	// Historian watches.
	Historian Identity = "k8slab:historian"
)

// Capability is something that not every cluster can do; labs name those that they need.
type Capability string

const (
	// AuditLog: what was asked of the API server is recorded.
	AuditLog Capability = "audit-log"
	// History: what the cluster goes through is recorded.
	History Capability = "history"
	// Components: parts of the control plane can be stopped and started.
	Components Capability = "components"
	// Simulated: nodes and pods are played.
	Simulated Capability = "simulated"
	// Power: the machines of the nodes can be switched off and on.
	Power Capability = "node-power"
	// Checkpoints: the cluster can be brought back to a saved state.
	Checkpoints Capability = "checkpoints"
	// Upgrades: control plane and nodes can be brought to another release.
	Upgrades Capability = "upgrades"
	// Disposable: the cluster was made for one lab, and nothing in it belongs to anybody else.
	Disposable Capability = "disposable"
	// Nodes: nodes may be cordoned, drained, tainted and labelled.
	Nodes Capability = "nodes"
)

// Capabilities lists all that a lab may require.
var Capabilities = [...]Capability{AuditLog, Checkpoints, Components, Disposable, History, Power, Nodes, Simulated, Upgrades}

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
	Capabilities() []Capability
	// Available says what is missing on this machine for a cluster like spec, and how to get it; nil if nothing is.
	Available(ctx context.Context, spec Spec) error
	// Ensure brings the cluster up from whatever state it is in. It is idempotent.
	Ensure(ctx context.Context, spec Spec, progress Progress) (*Cluster, error)
	// Find returns ErrNotFound for a cluster that does not exist.
	Find(ctx context.Context, name string) (*Cluster, error)
	// Delete removes the cluster and all that belongs to it. A cluster that does not exist is no error.
	Delete(ctx context.Context, name string) error
	// Config returns how to reach a running cluster as id.
	Config(ctx context.Context, name string, id Identity) (*rest.Config, error)
}

// Lister is a provider that can name its clusters.
type Lister interface {
	List(ctx context.Context) ([]string, error)
}

// Stopper is a provider whose clusters can be stopped without losing their state; Ensure starts them again.
type Stopper interface {
	Stop(ctx context.Context, name string) error
}

// ComponentControl stops and starts one component of the control plane. A stopped one stays stopped until it is
// started or the cluster is.
type ComponentControl interface {
	StopComponent(ctx context.Context, name, component string) error
	StartComponent(ctx context.Context, name, component string) error
}

// LogFiles is a provider whose clusters keep logs in files.
type LogFiles interface {
	// Logs names them.
	Logs() []string
	// LogFile returns the path of one of Logs; there may be no file yet.
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
	// RestoreCheckpoint returns ErrNoCheckpoint for one that was not saved. When it returns, the objects are back; the controllers
	// are about to act on them.
	RestoreCheckpoint(ctx context.Context, name, checkpoint string) error
	// Checkpoints lists them, oldest first.
	Checkpoints(ctx context.Context, name string) ([]Checkpoint, error)
}

// Simulator is a provider whose workloads are played, and which can be told how they behave.
type Simulator interface {
	// SetBehaviors replaces all that was said before by the YAML documents of the kind SimulatedWorkload.
	SetBehaviors(ctx context.Context, name string, documents []byte) error
}

// ImageLoader is a provider whose nodes run real images, and which can give them those that are on this machine.
type ImageLoader interface {
	// LoadImages gives the nodes the images that this machine has; the nodes pull what it has not. An image is loaded once.
	LoadImages(ctx context.Context, name string, images []string) error
}

// NodePower is a provider that can switch the machines of its nodes off and on.
type NodePower interface {
	// StopNode takes the power away: nothing is drained, nothing is said.
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

// AuditLogFile is a provider that has the API server's audit log as JSON lines, and rotated parts of it.
type AuditLogFile interface {
	AuditLog(ctx context.Context, name string) (paths []string, err error)
}

// UpgradeOrder is an upgrade that somebody asked for and that was looked into before.
type UpgradeOrder struct {
	// Release to go to: "1.37".
	Release string
	// Forced and Ignored are recorded: what stood in the way and was ignored, one finding a line.
	Forced  bool
	Ignored []string
	// Pods are the workload pods that are still on the node, as namespace/name; they are recorded.
	Pods []string
}

// Upgrader is a provider that can bring the control plane to the next minor release, on the data that it has.
type Upgrader interface {
	// Upgrade replaces the API server, then the controllers, then the scheduler, and reports the phases "save", "api-server",
	// "controllers", "scheduler" and "ready". Once it has begun it is finished, or undone, whatever becomes of ctx. It goes up by
	// one minor release and never down. Where the new version does not become ready the old one runs again: the result then says
	// history.RolledBack and why, and the error is nil.
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
	// Releases returns them oldest first: "1.36", "1.37".
	Releases(ctx context.Context) ([]string, error)
}

// KubeletSetter is a provider whose nodes can be given a kubelet of any release, newer than the API server or older than what they
// have, as a starting state. It is not recorded.
type KubeletSetter interface {
	// SetKubelets takes releases by name of the node, and returns when the Node objects show them.
	SetKubelets(ctx context.Context, name string, releases map[string]string) error
}

// Recorder is a provider that writes down what its clusters go through, as long as they run.
type Recorder interface {
	// Recording returns the folder of the record, for package history. It need not exist.
	Recording(ctx context.Context, name string) (dir string, err error)
	// CatchUp returns when all that has happened in the cluster up to the call is in the record.
	CatchUp(ctx context.Context, name string) error
}
