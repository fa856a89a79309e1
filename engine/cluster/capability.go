package cluster

import "github.com/k8slab/k8slab/text"

// Capability is something that not every provider's clusters can do. A lab names the capabilities that it needs. No
// provider lists its capabilities: they follow from the optional interfaces that it implements.
type Capability string

const (
	// AuditLog: the requests to the API server are recorded.
	AuditLog Capability = "audit-log"
	// History: what the cluster goes through is recorded.
	History Capability = "history"
	// Components: parts of the control plane can be stopped and started.
	Components Capability = "components"
	// Simulated: nodes and pods are simulated.
	Simulated Capability = "simulated"
	// Power: the machines of the nodes can be switched off and on.
	Power Capability = "node-power"
	// Checkpoints: the cluster can be brought back to a saved state.
	Checkpoints Capability = "checkpoints"
	// Upgrades: control plane and nodes can be upgraded to another release, and the upgrades are recorded.
	Upgrades Capability = "upgrades"
	// Disposable: the cluster was made for one lab, and nothing in it belongs to anybody else.
	Disposable Capability = "disposable"
	// Nodes: labs may cordon, drain, taint and label nodes. On somebody else's cluster the person has to allow it, each
	// time.
	Nodes Capability = "nodes"
)

// table is the one place that describes the capabilities, one line each.
var table = [...]struct {
	name Capability
	// of reports whether the provider's clusters have the capability.
	of func(Provider) bool
	// words name the capability in sentences such as "it has no components".
	words text.Text
}{
	{AuditLog, is[AuditLogFile], text.Text{EN: "audit log", JA: "監査ログ"}},
	{Checkpoints, is[Checkpointer], text.Text{EN: "snapshots", JA: "スナップショット"}},
	{Components, is[ComponentControl], text.Text{EN: "components", JA: "部品"}},
	{Disposable, made, text.Text{EN: "life of its own, which ends with the lab", JA: "ラボ専用のクラスター"}},
	{History, is[Recorder], text.Text{EN: "record of what it went through", JA: "クラスターの変化の記録"}},
	{Power, is[NodePower], text.Text{EN: "machines that can be switched", JA: "電源を操作できるマシン"}},
	{Nodes, made, text.Text{EN: "nodes that may be changed", JA: "変更してよいノード"}},
	{Simulated, is[Simulator], text.Text{EN: "simulated nodes", JA: "模擬のノード"}},
	{Upgrades, all(is[Upgrader], is[NodeUpgrader], is[UpgradeLog], is[Releases]),
		text.Text{EN: "upgrades", JA: "アップグレード"}},
}

// Capabilities lists every capability that a lab may require.
var Capabilities = func() (names []Capability) {
	for _, c := range table {
		names = append(names, c.name)
	}
	return names
}()

// CapabilitiesOf returns the capabilities of the provider's clusters.
func CapabilitiesOf(p Provider) (has []Capability) {
	for _, c := range table {
		if c.of(p) {
			has = append(has, c.name)
		}
	}
	return has
}

// Words name the capability in sentences such as "it has no components".
func (c Capability) Words() text.Text {
	for _, known := range table {
		if known.name == c {
			return known.words
		}
	}
	return text.Plain(string(c))
}

// is reports whether the provider implements the interface T.
func is[T any](p Provider) bool {
	_, ok := As[T](p)
	return ok
}

// made reports whether the provider makes its clusters, each for one lab. A Guest's clusters belong to somebody else.
func made(p Provider) bool { return !is[Guest](p) }

func all(conditions ...func(Provider) bool) func(Provider) bool {
	return func(p Provider) bool {
		for _, holds := range conditions {
			if !holds(p) {
				return false
			}
		}
		return true
	}
}
