package present

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/text"
)

// ClusterFacts describe a cluster.
func ClusterFacts(c *cluster.Cluster) []Fact {
	return []Fact{
		fact("cluster", "クラスター", c.Name+" ("+c.Provider+")"),
		{text.Text{EN: "state", JA: "状態"}, State(string(c.State))},
		fact("Kubernetes", "Kubernetes", c.Version),
		fact("server", "サーバー", c.Server),
		fact("kubeconfig", "kubeconfig", c.Kubeconfig),
	}
}

// ComponentTable shows the processes of a control plane.
func ComponentTable(parts []cluster.Component) Table {
	t := Table{Columns: []Column{column("COMPONENT", "コンポーネント"), column("STATE", "状態"), column("PID", "PID"),
		column("SINCE", "開始"), column("RESTARTS", "再起動"), longColumn("LAST ERROR", "最後のエラー")}}
	for _, part := range parts {
		since, pid := "", ""
		if !part.Since.IsZero() {
			since = part.Since.Local().Format(time.TimeOnly)
		}
		if part.PID != 0 {
			pid = fmt.Sprint(part.PID)
		}
		cells := row(part.Name, "", pid, since, fmt.Sprint(part.Restarts), part.LastError)
		cells[1] = State(part.State)
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// Node is a node of a lab's cluster.
type Node struct {
	Name          string   `json:"name"`
	Ready         bool     `json:"ready"`
	Unschedulable bool     `json:"unschedulable"`
	Zone          string   `json:"zone,omitempty"`
	Pool          string   `json:"pool,omitempty"`
	Kubelet       string   `json:"kubelet"`
	Taints        []string `json:"taints"`
}

// NodesOf returns the facts about nodes that labs are about.
func NodesOf(all []corev1.Node) []Node {
	nodes := make([]Node, len(all))
	for i := range all {
		nodes[i] = nodeOf(&all[i])
	}
	return nodes
}

func nodeOf(n *corev1.Node) Node {
	node := Node{Name: n.Name, Unschedulable: n.Spec.Unschedulable, Zone: n.Labels[corev1.LabelTopologyZone],
		Pool: n.Labels["agentpool"], Kubelet: n.Status.NodeInfo.KubeletVersion, Taints: []string{}}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			node.Ready = c.Status == corev1.ConditionTrue
		}
	}
	for _, t := range n.Spec.Taints {
		node.Taints = append(node.Taints, t.ToString())
	}
	return node
}

// NodeTable shows nodes, with their state as kubectl writes it.
func NodeTable(nodes []Node) Table {
	t := Table{Columns: []Column{column("NODE", "ノード"), column("STATUS", "状態"), column("ZONE", "ゾーン"),
		column("POOL", "プール"), column("KUBELET", "KUBELET"), longColumn("TAINTS", "テイント")}}
	for _, n := range nodes {
		status := "NotReady"
		if n.Ready {
			status = "Ready"
		}
		if n.Unschedulable {
			status += ",SchedulingDisabled"
		}
		t.Rows = append(t.Rows, row(n.Name, status, n.Zone, n.Pool, n.Kubelet, strings.Join(n.Taints, " ")))
	}
	return t
}

// SnapshotTable shows the snapshots of a cluster.
func SnapshotTable(all []cluster.Checkpoint) Table {
	t := Table{Columns: []Column{column("NAME", "名前"), column("SAVED", "保存"), column("SIZE", "大きさ")},
		Empty: text.Text{EN: "There are no snapshots.", JA: "スナップショットはありません。"}}
	for _, c := range all {
		t.Rows = append(t.Rows, row(c.Name, c.Saved.Local().Format(time.DateTime), fmt.Sprintf("%d KiB", c.Bytes/1024)))
	}
	return t
}

// ManagedFacts describe a cluster as its cloud does. A fact that the person may not read is a question mark.
func ManagedFacts(c *managed.Cluster) []Fact {
	facts := []Fact{
		fact("managed", "マネージド", c.ResourceGroup+"/"+c.Name+" ("+c.Region+", "+orDash(c.Tier)+")"),
		fact("power", "電源", c.PowerState+", "+c.Provisioning),
		fact("version", "バージョン", c.Version),
		fact("upgrades", "更新先", unlessUnread(c, managed.Upgrades, orDash(upgradesOf(c.Upgrades)))),
		{text.Text{EN: "channels", JA: "チャネル"}, text.New("cluster %s, node OS %s", "クラスター %s、ノード OS %s", orDash(c.UpgradeChannel), orDash(c.NodeOSChannel))},
		{text.Text{EN: "accounts", JA: "アカウント"}, accountsOf(c)},
	}
	if len(c.Unread) > 0 {
		facts = append(facts, Fact{text.Text{EN: "you may not read", JA: "権限なし"}, c.UnreadText()})
	}
	return facts
}

// PoolTable shows the pools of a cloud's cluster. It has no columns if the person may not read the pools.
func PoolTable(c *managed.Cluster) Table {
	if !c.MayRead(managed.Pools) {
		return Table{}
	}
	t := Table{Columns: []Column{column("POOL", "プール"), column("MODE", "モード"), column("NODES", "ノード"), column("VERSION", "バージョン"),
		column("SIZE", "サイズ"), column("ZONES", "ゾーン"), column("SURGE", "SURGE"), longColumn("UPGRADES", "更新先")}}
	for _, p := range c.Pools {
		t.Rows = append(t.Rows, row(p.Name, p.Mode, fmt.Sprint(p.Count), p.Version, p.VMSize, strings.Join(p.Zones, ","), orDash(p.MaxSurge),
			unlessUnread(c, managed.PoolUpgrades, orDash(upgradesOf(p.Upgrades)))))
	}
	return t
}

// WindowFacts say when a cloud maintains its cluster.
func WindowFacts(c *managed.Cluster) []Fact {
	var facts []Fact
	for _, w := range c.Windows {
		said := text.New("%s from %s for %d h", "%s、%s から %d 時間", w.Every.Text(), strings.TrimSpace(w.Start+" "+w.UTCOffset), int(w.Duration/time.Hour))
		for _, span := range w.Blocked {
			said = text.New("%s; not from %s to %s", "%s。%s から %s までは除く", said, span.From.Format(time.DateOnly), span.To.Format(time.DateOnly))
		}
		facts = append(facts, Fact{text.Plain(w.Name), said})
	}
	return facts
}

// unlessUnread returns the value, or "?" where the person may not read that part.
func unlessUnread(c *managed.Cluster, part managed.Part, value string) string {
	if !c.MayRead(part) {
		return "?"
	}
	return value
}

func upgradesOf(all []managed.Upgrade) string {
	var names []string
	for _, u := range all {
		name := u.Version
		if u.Preview {
			name += " (preview)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func accountsOf(c *managed.Cluster) text.Text {
	var en, ja []string
	add := func(kind text.Text) { en, ja = append(en, kind.EN), append(ja, kind.JA) }
	if c.EntraID {
		add(text.Plain("Entra ID"))
	}
	if c.CloudRBAC {
		add(text.Plain("Azure RBAC"))
	}
	if c.LocalAccounts {
		add(text.Text{EN: "local accounts", JA: "ローカルアカウント"})
	}
	return text.Text{EN: strings.Join(en, ", "), JA: strings.Join(ja, ", ")}
}
