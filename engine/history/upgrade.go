package history

import "time"

// Outcome of an upgrade.
type Outcome string

const (
	// Upgraded: the new version runs.
	Upgraded Outcome = "upgraded"
	// RolledBack: the old version runs again; Error says why.
	RolledBack Outcome = "rolled-back"
)

// Upgrade is one upgrade of a control plane or of a node, as k8slab recorded it outside of the cluster's API, where
// nothing that is done to the cluster changes it.
type Upgrade struct {
	// Time at which it ended.
	Time time.Time `json:"time"`
	// Node is empty for the control plane.
	Node string `json:"node,omitempty"`
	// From and To are versions: "v1.36.3". After a roll back From is what runs.
	From    string  `json:"from"`
	To      string  `json:"to"`
	Outcome Outcome `json:"outcome"`
	// Forced says that --force was given and that there was something to ignore: Ignored names it, one finding a line,
	// in English.
	Forced  bool     `json:"forced,omitempty"`
	Ignored []string `json:"ignored,omitempty"`
	// Pods are the workload pods that still were on the node, as namespace/name; always empty for the control plane.
	Pods []string `json:"pods,omitempty"`
	// Resumed says that it was cut short and finished, or undone, by a later start of the cluster.
	Resumed bool `json:"resumed,omitempty"`
	// Error is why it was rolled back, and Log names the cluster's log that tells more.
	Error string `json:"error,omitempty"`
	Log   string `json:"log,omitempty"`
	// TookMS is how long it took, in milliseconds.
	TookMS int64 `json:"tookMs"`
}
