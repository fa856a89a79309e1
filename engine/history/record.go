package history

import (
	"fmt"
	"strings"
	"time"
)

// Event says what a Record is about.
type Event string

const (
	// Added, Modified and Deleted are what a watch tells of an object. A Modified that would say nothing new is not
	// recorded.
	Added    Event = "added"
	Modified Event = "modified"
	Deleted  Event = "deleted"
	// Found is an object as a list shows it: when the record begins, at the head of each file, and after a gap.
	Found Event = "found"
	// Watched: from now on, what happens to objects of the kind is recorded.
	Watched Event = "watched"
	// Lost: from now on, what happens to objects of the kind is not recorded. A Missing or a Late of the kind ends
	// that.
	Lost Event = "lost"
	// Missing ends a time, since From, in which objects of the kind may have changed unseen. The objects that did
	// change follow, with Missed set.
	Missing Event = "missing"
	// Late ends a time, since From, of which everything is recorded, but with a later time than it happened. Without a
	// kind it is about all kinds.
	Late Event = "late"
)

// Record is one line of what a cluster went through: an object as a change left it, or a word about the record itself.
type Record struct {
	// Time at which the recorder learned of it; times never decrease within a record.
	Time  time.Time `json:"t"`
	Event Event     `json:"e"`
	// Kind as kubectl prints it: "Pod", or with a group beyond the built-in ones "certificates.cert-manager.io".
	Kind string `json:"k,omitempty"`
	// UID stands before whatever a user may choose, so that a reader in a hurry can search the line for it.
	UID       string `json:"uid,omitempty"`
	Namespace string `json:"ns,omitempty"`
	Name      string `json:"n,omitempty"`
	// Version is the resourceVersion. Versions of one resource can be compared as numbers (KEP-5504).
	Version uint64 `json:"rv,omitempty"`
	// Missed: the object was found changed, or gone, after a gap. When it changed, and how, is not known.
	Missed bool `json:"missed,omitempty"`
	// From is when a gap began: with Missing and Late, and with a Lost that is repeated at the head of a file.
	From       time.Time         `json:"from,omitzero"`
	Generation int64             `json:"g,omitempty"`
	Observed   int64             `json:"og,omitempty"`
	Labels     map[string]string `json:"l,omitempty"`
	// Owner is the controller, as "ReplicaSet/web-5d9c".
	Owner string `json:"o,omitempty"`
	// Deleting: the object has a deletionTimestamp.
	Deleting bool `json:"del,omitempty"`

	Pod      *PodFacts      `json:"pod,omitempty"`
	Node     *NodeFacts     `json:"node,omitempty"`
	Workload *WorkloadFacts `json:"work,omitempty"`
	Budget   *BudgetFacts   `json:"pdb,omitempty"`
}

// PodFacts are what is recorded of a pod.
type PodFacts struct {
	Phase string `json:"ph,omitempty"`
	Ready bool   `json:"r,omitempty"`
	// Node is empty until the pod is bound.
	Node string `json:"no,omitempty"`
	// Mirror: the pod mirrors a static pod.
	Mirror bool `json:"m,omitempty"`
	// Disruption is the reason of the condition DisruptionTarget where it is true.
	Disruption string `json:"d,omitempty"`
	// Exits holds exit codes by container: of containers that have ended, and of those that were restarted since. 137
	// means SIGKILL.
	Exits    map[string]int32 `json:"x,omitempty"`
	Restarts int32            `json:"rs,omitempty"`
	// Waiting is the reason for which a container does not start, such as CrashLoopBackOff.
	Waiting string `json:"w,omitempty"`
}

// Finished pods run no more and count for nothing.
func (p *PodFacts) Finished() bool { return p.Phase == "Succeeded" || p.Phase == "Failed" }

// NodeFacts are what is recorded of a node.
type NodeFacts struct {
	// Ready is the status of the condition: True, False or Unknown.
	Ready         string `json:"r,omitempty"`
	Unschedulable bool   `json:"u,omitempty"`
	// Taints as kubectl writes them: key=value:Effect.
	Taints  []string `json:"t,omitempty"`
	Kubelet string   `json:"kv,omitempty"`
	Boot    string   `json:"b,omitempty"`
}

// WorkloadFacts are what is recorded of a Deployment, ReplicaSet, StatefulSet or DaemonSet.
type WorkloadFacts struct {
	// Wanted is spec.replicas, or of a DaemonSet how many nodes are to have a pod.
	Wanted    int32    `json:"w"`
	Total     int32    `json:"n,omitempty"`
	Ready     int32    `json:"r,omitempty"`
	Available int32    `json:"a,omitempty"`
	Updated   int32    `json:"u,omitempty"`
	Images    []string `json:"im,omitempty"`
}

// BudgetFacts are what is recorded of a PodDisruptionBudget.
type BudgetFacts struct {
	MinAvailable   string `json:"min,omitempty"`
	MaxUnavailable string `json:"max,omitempty"`
	// Unhealthy is the unhealthyPodEvictionPolicy.
	Unhealthy string `json:"un,omitempty"`
	Healthy   int32  `json:"h,omitempty"`
	Desired   int32  `json:"de,omitempty"`
	Expected  int32  `json:"ex,omitempty"`
	Allowed   int32  `json:"al,omitempty"`
}

// Ref names an object.
type Ref struct{ Kind, Namespace, Name string }

func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return fmt.Sprintf("%s %s/%s", r.Kind, r.Namespace, r.Name)
}

// Ref of the object that the record is about.
func (r *Record) Ref() Ref { return Ref{r.Kind, r.Namespace, r.Name} }

// IsDaemon reports whether a DaemonSet made the object.
func (r *Record) IsDaemon() bool { return strings.HasPrefix(r.Owner, "DaemonSet/") }
