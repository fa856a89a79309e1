package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// rebootSentinel is the file with which Debian's and Ubuntu's packages ask for a reboot.
const rebootSentinel = "/var/run/reboot-required"

// newNodePower returns the commands that do to a machine what hands and cables do to a real one.
func newNodePower(inv *invocation) []*cobra.Command {
	stop := inv.nodeCommand("stop", cluster.NodePower.StopNode,
		content.Text{EN: "Pull the plug of a node's machine", JA: "ノードのマシンの電源を抜きます"},
		content.Text{
			EN: "Take the power of a node's machine away. Nothing is drained and nothing is said: the control plane finds out by itself, after some 50 seconds without a heartbeat.",
			JA: "ノードのマシンの電源を抜きます。ドレインも知らせもありません。コントロールプレーンは、ハートビートが途絶えておよそ 50 秒後に自分で気づきます。",
		},
		content.Text{EN: "The machine of %s has no power.", JA: "%s のマシンの電源を抜きました。"})
	start := inv.nodeCommand("start", cluster.NodePower.StartNode,
		content.Text{EN: "Switch a node's machine on again", JA: "ノードのマシンの電源を入れます"}, content.Text{},
		content.Text{EN: "The machine of %s is booting; it takes some seconds.", JA: "%s のマシンが起動しています。数秒かかります。"})
	reboot := inv.nodeCommand("reboot", cluster.NodePower.RebootNode,
		content.Text{EN: "Reboot a node's machine, without draining it", JA: "ノードのマシンをドレインせずに再起動します"}, content.Text{},
		content.Text{EN: "The machine of %s is rebooting; it takes some seconds.", JA: "%s のマシンが再起動しています。数秒かかります。"})
	file := rebootSentinel
	touch := inv.nodeCommand("touch", func(power cluster.NodePower, ctx context.Context, name, node string) error {
		return power.TouchNode(ctx, name, node, file)
	},
		content.Text{EN: "Create a file on a node's machine, such as the one that asks for a reboot", JA: "再起動を求めるファイルなどを、ノードのマシンに作ります"}, content.Text{},
		content.Text{EN: "The file is on %s now.", JA: "%s にファイルを作りました。"})
	touch.Flags().StringVar(&file, "file", rebootSentinel, inv.say("path of the file", "ファイルのパス"))
	return []*cobra.Command{stop, start, reboot, touch}
}

func (inv *invocation) nodeCommand(verb string, act func(cluster.NodePower, context.Context, string, string) error, short, long, done content.Text) *cobra.Command {
	cmd := inv.command(verb+" NODE [--lab LAB]", short, long)
	cmd.Args = exactly(1)
	cmd.ValidArgsFunction = inv.completeNodes
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, p, err := inv.cluster(cmd.Context())
		if err != nil {
			return err
		}
		power, ok := p.(cluster.NodePower)
		if !ok {
			return notWith(p, "machines that can be switched", "電源を操作できるマシン")
		}
		if err := nodeOf(s.Lab, args[0]); err != nil {
			return err
		}
		if err := act(power, cmd.Context(), s.Cluster.Name, args[0]); err != nil {
			return err
		}
		eng, err := inv.engine()
		if err != nil {
			return err
		}
		if err := eng.Switched(s, args[0], verb); err != nil {
			return err
		}
		inv.narrate(fmt.Sprintf(done.EN, args[0]), fmt.Sprintf(done.JA, args[0]))
		inv.next("k8slab timeline --follow")
		return nil
	}
	return inv.withLab(cmd)
}

// nodeOf refuses a node that the lab's cluster does not have.
func nodeOf(lab *content.Lab, name string) error {
	names := nodeNames(lab)
	for _, n := range names {
		if n == name {
			return nil
		}
	}
	en, ja := fmt.Sprintf("there is no node %q in %s", name, lab.ID), fmt.Sprintf("%s にノード %q はありません", lab.ID, name)
	if near, ok := content.Nearest(name, names); ok {
		en += fmt.Sprintf("; did you mean %s?", near)
		ja += fmt.Sprintf("。%s のことですか？", near)
	}
	return problem.New(problem.Usage, en, ja, "k8slab node list")
}

func nodeNames(lab *content.Lab) []string {
	var names []string
	for _, n := range lab.Cluster.Nodes {
		names = append(names, n.Name)
	}
	return names
}

func (inv *invocation) completeNodes(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	_, s, err := inv.session(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nodeNames(s.Lab), cobra.ShellCompDirectiveNoFileComp
}
