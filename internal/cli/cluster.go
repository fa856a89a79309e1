package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/terminal"
)

func newCluster(inv *invocation) *cobra.Command {
	return inv.group("cluster", content.Text{EN: "Look after the control plane and its components", JA: "コントロールプレーンとその部品を操作します"},
		newClusterStatus(inv), newClusterLogs(inv), newClusterStop(inv), newClusterStart(inv), newClusterUpgrade(inv))
}

// cluster returns the session with its provider, and a problem where the lab has no cluster.
func (inv *invocation) cluster(ctx context.Context) (*engine.Session, cluster.Provider, error) {
	eng, s, err := inv.session(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s.Cluster == nil {
		return nil, nil, problem.New(problem.Cluster,
			fmt.Sprintf("the lab %s has no cluster now", s.Lab.ID), fmt.Sprintf("ラボ %s のクラスターは今ありません", s.Lab.ID),
			"k8slab start "+s.Lab.ID)
	}
	p, err := eng.Provider(s.Cluster.Provider)
	return s, p, err
}

// clusterAnswer is what cluster status -o json prints.
type clusterAnswer struct {
	*cluster.Cluster
	// Managed is what the cloud says of a cluster that it runs.
	Managed *managed.Cluster `json:"managed,omitempty"`
}

func newClusterStatus(inv *invocation) *cobra.Command {
	cmd := inv.command("status [--lab LAB] [-o json]",
		content.Text{EN: "Show the cluster and the processes of its control plane", JA: "クラスターとコントロールプレーンのプロセスを表示します"}, content.Text{})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, p, err := inv.cluster(cmd.Context())
		if err != nil {
			return err
		}
		answer := clusterAnswer{Cluster: s.Cluster}
		var silent error // the cluster is shown even where its cloud says nothing
		if cloud, ok := p.(cluster.ManagedFacts); ok {
			answer.Managed, silent = cloud.Managed(cmd.Context(), s.Cluster.Name)
		}
		if inv.asJSON() {
			return errors.Join(inv.printJSON(answer), silent)
		}
		text := inv.clusterText(s.Cluster)
		if answer.Managed != nil {
			text += "\n" + inv.managedText(answer.Managed)
		}
		return errors.Join(inv.print(text), silent)
	}
	return inv.withOutput(inv.withLab(cmd))
}

func (inv *invocation) clusterText(c *cluster.Cluster) string {
	screen := inv.screen()
	text := screen.Definitions([][2]string{
		{inv.say("cluster", "クラスター"), c.Name + " (" + c.Provider + ")"},
		{inv.say("state", "状態"), inv.word(string(c.State))},
		{"Kubernetes", c.Version},
		{inv.say("server", "サーバー"), c.Server},
		{"kubeconfig", c.Kubeconfig},
	})
	if len(c.Components) == 0 {
		return text
	}
	var rows [][]string
	for _, part := range c.Components {
		since, pid := "", ""
		if !part.Since.IsZero() {
			since = part.Since.Local().Format(time.TimeOnly)
		}
		if part.PID != 0 {
			pid = fmt.Sprint(part.PID)
		}
		rows = append(rows, []string{part.Name, inv.word(part.State), pid, since, fmt.Sprint(part.Restarts), part.LastError})
	}
	return text + "\n" + screen.Table([]terminal.Column{
		{Title: inv.say("COMPONENT", "コンポーネント")}, {Title: inv.say("STATE", "状態")}, {Title: "PID"},
		{Title: inv.say("SINCE", "開始")}, {Title: inv.say("RESTARTS", "再起動")}, {Title: inv.say("LAST ERROR", "最後のエラー"), Wrap: true},
	}, rows)
}

func (inv *invocation) completeComponents(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, _, err := inv.cluster(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return withPrefix(componentNames(s.Cluster), word), cobra.ShellCompDirectiveNoFileComp
}

func componentNames(c *cluster.Cluster) []string {
	var names []string
	for _, part := range c.Components {
		names = append(names, part.Name)
	}
	return names
}

// component refuses a name that the cluster's control plane does not have. A stopped cluster lists none; then the
// provider decides.
func component(c *cluster.Cluster, name string) error {
	names := componentNames(c)
	for _, n := range names {
		if n == name {
			return nil
		}
	}
	if len(names) == 0 {
		return nil
	}
	return unknown(fmt.Sprintf("the cluster has no component %q; it has %s", name, strings.Join(names, ", ")),
		fmt.Sprintf("%q というコンポーネントはありません。あるのは %s です", name, strings.Join(names, "、")), name, names, "k8slab cluster status")
}

func (inv *invocation) completeLogs(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	_, p, err := inv.cluster(cmd.Context())
	logs, ok := p.(cluster.LogFiles)
	if err != nil || !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return withPrefix(logs.Logs(), word), cobra.ShellCompDirectiveNoFileComp
}

func newClusterLogs(inv *invocation) *cobra.Command {
	tail := 0
	cmd := inv.command("logs NAME [--tail LINES] [--lab LAB]",
		content.Text{EN: "Print a log of the cluster", JA: "クラスターのログを表示します"},
		content.Text{
			EN: "Print a log of the cluster. The embedded cluster has one of each component, and one called supervisor, of the process that " +
				"keeps the components running. A kind cluster has one called kind, of how it was made, one called kubeadm, of upgrades of " +
				"its control plane, and one called recorder, of the process that writes down what happens in the cluster.",
			JA: "クラスターのログを表示します。組み込みのクラスターには、部品ごとのログと、部品を動かし続けているプロセスのログ supervisor " +
				"があります。kind クラスターには、クラスターを作ったときの kind、コントロールプレーンをアップグレードしたときの kubeadm、" +
				"クラスターで起きたことを記録しているプロセスの recorder があります。",
		})
	cmd.Args = exactly(1)
	cmd.ValidArgsFunction = inv.completeLogs
	cmd.Flags().IntVar(&tail, "tail", 0, inv.say("only the last lines (default: all)", "最後の何行かだけ (既定は全部)"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, p, err := inv.cluster(cmd.Context())
		if err != nil {
			return err
		}
		logs, ok := p.(cluster.LogFiles)
		if !ok {
			return notWith(p, "log files", "ログファイル")
		}
		if names := logs.Logs(); !slices.Contains(names, args[0]) {
			return unknown(fmt.Sprintf("the cluster has no log %q; it has %s", args[0], strings.Join(names, ", ")),
				fmt.Sprintf("%q というログはありません。あるのは %s です", args[0], strings.Join(names, "、")), args[0], names, "k8slab cluster status")
		}
		path, err := logs.LogFile(cmd.Context(), s.Cluster.Name, args[0])
		if err != nil {
			return err
		}
		return inv.copyLog(path, args[0], tail)
	}
	return inv.withLab(cmd)
}

func notWith(p cluster.Provider, en, ja string) error {
	return problem.New(problem.Usage, fmt.Sprintf("a cluster of the kind %s has no %s to look at", p.Name(), en),
		fmt.Sprintf("%s クラスターでは%sを扱えません", p.Name(), ja), "k8slab cluster status")
}

func (inv *invocation) copyLog(path, name string, tail int) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return problem.New(problem.Cluster, fmt.Sprintf("%s has no log yet", name), fmt.Sprintf("%s のログはまだありません", name), "k8slab cluster status").From(err)
	}
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", name, err)
	}
	defer f.Close()
	if tail <= 0 {
		_, err = io.Copy(inv.Out, f)
		return err
	}
	last := make([][]byte, 0, tail)
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			if len(last) == tail {
				last = last[1:]
			}
			last = append(last, line)
		}
		if err != nil {
			break
		}
	}
	return inv.print(string(bytes.Join(last, nil)))
}

func newClusterStop(inv *invocation) *cobra.Command {
	cmd := inv.command("stop [COMPONENT] [--lab LAB]",
		content.Text{EN: "Stop the cluster, or one component of it", JA: "クラスター、またはその部品を一つ停止します"},
		content.Text{
			EN: "Stop the cluster and keep its state. With COMPONENT, only that one stops, and stays stopped until it is started: see what a cluster does without its scheduler.",
			JA: "クラスターを状態を残して停止します。COMPONENT を指定するとその部品だけが止まり、起動するまで止まったままになります。スケジューラーのないクラスターがどう振る舞うかを試せます。",
		})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeComponents
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return inv.actOnCluster(cmd.Context(),
				content.Text{EN: "The cluster of %s is stopped; your work in it is kept.", JA: "%s のクラスターを停止しました。作業内容は残っています。"}, Engine.Stop)
		}
		return inv.switchComponent(cmd.Context(), args[0], cluster.ComponentControl.StopComponent,
			content.Text{EN: "%s is stopped.", JA: "%s を停止しました。"}, "k8slab cluster start "+args[0])
	}
	return inv.withLab(cmd)
}

func newClusterStart(inv *invocation) *cobra.Command {
	cmd := inv.command("start [COMPONENT] [--lab LAB]",
		content.Text{EN: "Start the cluster, or one component of it", JA: "クラスター、またはその部品を一つ起動します"}, content.Text{})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeComponents
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return inv.startCluster(cmd.Context())
		}
		return inv.switchComponent(cmd.Context(), args[0], cluster.ComponentControl.StartComponent,
			content.Text{EN: "%s is running.", JA: "%s を起動しました。"}, "k8slab cluster status")
	}
	return inv.withLab(cmd)
}

// startCluster brings the lab's cluster up without showing the lesson.
func (inv *invocation) startCluster(ctx context.Context) error {
	eng, s, err := inv.session(ctx)
	if err != nil {
		return err
	}
	err = inv.phases(func(p cluster.Progress) error {
		s, err = eng.Start(ctx, s.Lab.ID, engine.StartOptions{}, p)
		return err
	})
	if err != nil {
		return err
	}
	inv.rememberPrompt(s)
	inv.narrate(fmt.Sprintf("The cluster of %s is running.", s.Lab.ID), fmt.Sprintf("%s のクラスターを起動しました。", s.Lab.ID))
	inv.next("k8slab cluster status")
	return nil
}

func (inv *invocation) switchComponent(ctx context.Context, name string, act func(cluster.ComponentControl, context.Context, string, string) error, done content.Text, next string) error {
	s, p, err := inv.cluster(ctx)
	if err != nil {
		return err
	}
	control, ok := p.(cluster.ComponentControl)
	if !ok {
		return notWith(p, "components", "部品")
	}
	if err := component(s.Cluster, name); err != nil {
		return err
	}
	err = inv.phases(func(report cluster.Progress) error {
		return report.Run("component", func() (string, error) { return name, act(control, ctx, s.Cluster.Name, name) })
	})
	if err != nil {
		return err
	}
	inv.narrate(fmt.Sprintf(done.EN, name), fmt.Sprintf(done.JA, name))
	inv.next(next)
	return nil
}

// nodeLine is a node as node list -o json prints it.
type nodeLine struct {
	Name          string   `json:"name"`
	Ready         bool     `json:"ready"`
	Unschedulable bool     `json:"unschedulable"`
	Zone          string   `json:"zone,omitempty"`
	Pool          string   `json:"pool,omitempty"`
	Kubelet       string   `json:"kubelet"`
	Taints        []string `json:"taints"`
}

func newNode(inv *invocation) *cobra.Command {
	list := inv.command("list [--lab LAB] [-o json]",
		content.Text{EN: "List the nodes with zone, pool and kubelet version", JA: "ノードをゾーン、プール、kubelet のバージョンとともに表示します"}, content.Text{})
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		s, p, err := inv.cluster(cmd.Context())
		if err != nil {
			return err
		}
		nodes, err := nodesOf(cmd.Context(), s, p)
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(nodes)
		}
		return inv.print(inv.nodeTable(nodes))
	}
	return inv.group("node", content.Text{EN: "Look at the nodes, upgrade them and switch their machines", JA: "ノードを調べ、アップグレードし、マシンの電源を操作します"},
		append([]*cobra.Command{inv.withOutput(inv.withLab(list)), newNodeUpgrade(inv)}, newNodePower(inv)...)...)
}

func nodesOf(ctx context.Context, s *engine.Session, p cluster.Provider) ([]nodeLine, error) {
	config, err := p.Config(ctx, s.Cluster.Name, cluster.Grader)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("reaching the cluster: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, problem.New(problem.Cluster,
			fmt.Sprintf("the API server of %s does not answer: %v", s.Lab.ID, err),
			fmt.Sprintf("%s の API サーバーが応答しません: %v", s.Lab.ID, err), "k8slab cluster status").From(err)
	}
	lines := make([]nodeLine, len(nodes.Items))
	for i := range nodes.Items {
		lines[i] = nodeLineOf(&nodes.Items[i])
	}
	return lines, nil
}

func nodeLineOf(n *corev1.Node) nodeLine {
	line := nodeLine{Name: n.Name, Unschedulable: n.Spec.Unschedulable, Zone: n.Labels[corev1.LabelTopologyZone],
		Pool: n.Labels["agentpool"], Kubelet: n.Status.NodeInfo.KubeletVersion, Taints: []string{}}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			line.Ready = c.Status == corev1.ConditionTrue
		}
	}
	for _, t := range n.Spec.Taints {
		line.Taints = append(line.Taints, t.ToString())
	}
	return line
}

func (inv *invocation) nodeTable(nodes []nodeLine) string {
	rows := make([][]string, len(nodes))
	for i, n := range nodes {
		status := "NotReady"
		if n.Ready {
			status = "Ready"
		}
		if n.Unschedulable {
			status += ",SchedulingDisabled"
		}
		rows[i] = []string{n.Name, status, n.Zone, n.Pool, n.Kubelet, strings.Join(n.Taints, " ")}
	}
	return inv.screen().Table([]terminal.Column{
		{Title: inv.say("NODE", "ノード")}, {Title: inv.say("STATUS", "状態")}, {Title: inv.say("ZONE", "ゾーン")},
		{Title: inv.say("POOL", "プール")}, {Title: "KUBELET"}, {Title: inv.say("TAINTS", "テイント"), Wrap: true},
	}, rows)
}
