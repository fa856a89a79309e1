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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

func newCluster(inv *invocation) *cobra.Command {
	return inv.group("cluster", text.Text{EN: "Look after the control plane and its components", JA: "コントロールプレーンとその部品を操作します"},
		newClusterStatus(inv), newClusterLogs(inv), newClusterStop(inv), newClusterStart(inv), newClusterUpgrade(inv))
}

// cluster returns the session with its provider. The error is a problem if the lab has no cluster.
func (inv *invocation) cluster(ctx context.Context) (*engine.Session, cluster.Provider, error) {
	play, s, err := inv.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s.Cluster == nil {
		return nil, nil, problem.New(problem.Cluster,
			text.New("the lab %s has no cluster now", "ラボ %s のクラスターは今ありません", s.Lab.ID),
			action.Do(action.Start).On(s.Lab.ID))
	}
	return s, play.Provider(), nil
}

// clusterAnswer is what cluster status -o json prints.
type clusterAnswer struct {
	*cluster.Cluster
	// Managed is what the cloud says of a cluster that it runs.
	Managed *managed.Cluster `json:"managed,omitempty"`
}

func newClusterStatus(inv *invocation) *cobra.Command {
	cmd := inv.command("status [--lab LAB] [-o json]",
		text.Text{EN: "Show the cluster and the processes of its control plane", JA: "クラスターとコントロールプレーンのプロセスを表示します"}, text.Text{})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, p, err := inv.cluster(cmd.Context())
		if err != nil {
			return err
		}
		answer := clusterAnswer{Cluster: s.Cluster}
		var silent error // the cluster is shown even where its cloud says nothing
		if cloud, ok := cluster.As[cluster.ManagedFacts](p); ok {
			answer.Managed, silent = cloud.Managed(cmd.Context(), s.Cluster.Name)
		}
		if inv.asJSON() {
			return errors.Join(inv.printJSON(answer), silent)
		}
		return errors.Join(inv.print(inv.screen().Cluster(s.Cluster, answer.Managed)), silent)
	}
	return inv.withOutput(inv.withLab(cmd))
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

func (inv *invocation) completeLogs(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	_, p, err := inv.cluster(cmd.Context())
	logs, ok := cluster.As[cluster.LogFiles](p)
	if err != nil || !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return withPrefix(logs.Logs(), word), cobra.ShellCompDirectiveNoFileComp
}

func newClusterLogs(inv *invocation) *cobra.Command {
	tail := 0
	cmd := inv.command("logs NAME [--tail LINES] [--lab LAB]",
		text.Text{EN: "Print a log of the cluster", JA: "クラスターのログを表示します"},
		text.Text{
			EN: "Print a log of the cluster. The embedded cluster has a log of each component, and a log called supervisor, of the process that " +
				"keeps the components running. A kind cluster has a log called kind, of how it was made, a log called kubeadm, of upgrades of " +
				"its control plane, and a log called recorder, of the process that writes down what happens in the cluster.",
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
		logs, ok := cluster.As[cluster.LogFiles](p)
		if !ok {
			return notWith(p, text.Text{EN: "log files", JA: "ログファイル"})
		}
		if names := logs.Logs(); !slices.Contains(names, args[0]) {
			return unknown(fmt.Sprintf("the cluster has no log %q; it has %s", args[0], strings.Join(names, ", ")),
				fmt.Sprintf("%q というログはありません。あるのは %s です", args[0], strings.Join(names, "、")), args[0], names, action.Do(action.ClusterStatus))
		}
		path, err := logs.LogFile(cmd.Context(), s.Cluster.Name, args[0])
		if err != nil {
			return err
		}
		return inv.copyLog(path, args[0], tail)
	}
	return inv.withLab(cmd)
}

func notWith(p cluster.Provider, what text.Text) error {
	return problem.New(problem.Usage,
		text.New("a cluster of the kind %s has no %s to look at", "%s クラスターでは%sを扱えません", p.Name(), what), action.Do(action.ClusterStatus))
}

func (inv *invocation) copyLog(path, name string, tail int) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return problem.New(problem.Cluster, text.New("%s has no log yet", "%s のログはまだありません", name), action.Do(action.ClusterStatus)).From(err)
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
		text.Text{EN: "Stop the cluster, or one component of it", JA: "クラスター、またはその部品を一つ停止します"},
		text.Text{
			EN: "Stop the cluster and keep its state. With COMPONENT, only that one stops, and stays stopped until it is started: see what a cluster does without its scheduler.",
			JA: "クラスターを状態を残して停止します。COMPONENT を指定するとその部品だけが止まり、起動するまで止まったままになります。スケジューラーのないクラスターがどう振る舞うかを試せます。",
		})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeComponents
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return inv.actOnCluster(cmd.Context(),
				text.Text{EN: "The cluster of %s is stopped; your work in it is kept.", JA: "%s のクラスターを停止しました。作業内容は残っています。"}, Engine.Stop)
		}
		return inv.switchComponent(cmd.Context(), args[0], Play.StopComponent,
			text.Text{EN: "%s is stopped.", JA: "%s を停止しました。"}, action.Do(action.StartComponent).With("component", args[0]))
	}
	return inv.withLab(cmd)
}

func newClusterStart(inv *invocation) *cobra.Command {
	cmd := inv.command("start [COMPONENT] [--lab LAB]",
		text.Text{EN: "Start the cluster, or one component of it", JA: "クラスター、またはその部品を一つ起動します"}, text.Text{})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeComponents
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return inv.startCluster(cmd.Context())
		}
		return inv.switchComponent(cmd.Context(), args[0], Play.StartComponent,
			text.Text{EN: "%s is running.", JA: "%s を起動しました。"}, action.Do(action.ClusterStatus))
	}
	return inv.withLab(cmd)
}

// startCluster brings the lab's cluster up without showing the lesson.
func (inv *invocation) startCluster(ctx context.Context) error {
	_, s, err := inv.open(ctx)
	if err != nil {
		return err
	}
	eng, err := inv.engine()
	if err != nil {
		return err
	}
	err = inv.phases(func(p cluster.Progress) error {
		play, err := eng.Start(ctx, s.Lab.ID, engine.StartOptions{}, p)
		if err == nil {
			s = play.Session()
		}
		return err
	})
	if err != nil {
		return err
	}
	inv.rememberPrompt(s)
	inv.narrate(fmt.Sprintf("The cluster of %s is running.", s.Lab.ID), fmt.Sprintf("%s のクラスターを起動しました。", s.Lab.ID))
	inv.next(action.Do(action.ClusterStatus))
	return nil
}

func (inv *invocation) switchComponent(ctx context.Context, name string, act func(Play, context.Context, string, cluster.Progress) error, done text.Text, next action.Action) error {
	play, _, err := inv.open(ctx)
	if err != nil {
		return err
	}
	if err := inv.phases(func(report cluster.Progress) error { return act(play, ctx, name, report) }); err != nil {
		return err
	}
	inv.narrate(fmt.Sprintf(done.EN, name), fmt.Sprintf(done.JA, name))
	inv.next(next)
	return nil
}

func newNode(inv *invocation) *cobra.Command {
	list := inv.command("list [--lab LAB] [-o json]",
		text.Text{EN: "List the nodes with zone, pool and kubelet version", JA: "ノードをゾーン、プール、kubelet のバージョンとともに表示します"}, text.Text{})
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
		return inv.print(inv.screen().Sheet(present.NodeTable(nodes)))
	}
	return inv.group("node", text.Text{EN: "Look at the nodes, upgrade them and switch their machines", JA: "ノードを調べ、アップグレードし、マシンの電源を操作します"},
		append([]*cobra.Command{inv.withOutput(inv.withLab(list)), newNodeUpgrade(inv)}, newNodePower(inv)...)...)
}

func nodesOf(ctx context.Context, s *engine.Session, p cluster.Provider) ([]present.Node, error) {
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
			text.New("the API server of %s does not answer: %v", "%s の API サーバーが応答しません: %v", s.Lab.ID, err), action.Do(action.ClusterStatus)).From(err)
	}
	return present.NodesOf(nodes.Items), nil
}
