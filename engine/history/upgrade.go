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

// Upgrade is one upgrade of a control plane or of a node. k8slab records it outside of the cluster's API, so that
// nothing done to the cluster changes it.
type Upgrade struct {
	// Time at which it ended.
	Time time.Time `json:"time"`
	// Node is empty for the control plane.
	Node string `json:"node,omitempty"`
	// From and To are versions: "v1.36.3". After a roll-back, From is what runs.
	From    string  `json:"from"`
	To      string  `json:"to"`
	Outcome Outcome `json:"outcome"`
	// Forced: --force was given and there was something to ignore, which Ignored lists, one obstacle each, in English.
	Forced  bool     `json:"forced,omitempty"`
	Ignored []string `json:"ignored,omitempty"`
	// Pods are the workload pods that were still on the node, as namespace/name; always empty for the control plane.
	Pods []string `json:"pods,omitempty"`
	// Resumed: the upgrade was interrupted, and a later start of the cluster finished or undid it.
	Resumed bool `json:"resumed,omitempty"`
	// Error is why the upgrade was rolled back; Log names the cluster's log that tells more.
	Error string `json:"error,omitempty"`
	Log   string `json:"log,omitempty"`
	// TookMS is how long it took, in milliseconds.
	TookMS int64 `json:"tookMs"`
}
