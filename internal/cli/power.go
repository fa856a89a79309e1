package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/text"
)

// rebootSentinel is the file with which Debian's and Ubuntu's packages ask for a reboot.
const rebootSentinel = "/var/run/reboot-required"

// newNodePower returns the commands that do to a machine what a person's hands do to a real one.
func newNodePower(inv *invocation) []*cobra.Command {
	stop := inv.nodeCommand(engine.PowerOff, nil,
		text.Text{EN: "Pull the plug on a node's machine", JA: "ノードのマシンの電源を抜きます"},
		text.Text{
			EN: "Cut the power of a node's machine. Nothing is drained and nobody is told: the control plane finds out by itself, after some 50 seconds without a heartbeat.",
			JA: "ノードのマシンの電源を抜きます。ドレインも知らせもありません。コントロールプレーンは、ハートビートが途絶えておよそ 50 秒後に自分で気づきます。",
		},
		text.Text{EN: "The machine of %s has no power.", JA: "%s のマシンの電源を抜きました。"})
	start := inv.nodeCommand(engine.PowerOn, nil,
		text.Text{EN: "Switch a node's machine on again", JA: "ノードのマシンの電源を入れます"}, text.Text{},
		text.Text{EN: "The machine of %s is booting; it takes some seconds.", JA: "%s のマシンが起動しています。数秒かかります。"})
	reboot := inv.nodeCommand(engine.Reboot, nil,
		text.Text{EN: "Reboot a node's machine, without draining it", JA: "ノードのマシンをドレインせずに再起動します"}, text.Text{},
		text.Text{EN: "The machine of %s is rebooting; it takes some seconds.", JA: "%s のマシンが再起動しています。数秒かかります。"})
	file := rebootSentinel
	touch := inv.nodeCommand(engine.Touch, &file,
		text.Text{EN: "Create a file on a node's machine, such as the one that asks for a reboot", JA: "再起動を求めるファイルなどを、ノードのマシンに作ります"}, text.Text{},
		text.Text{EN: "The file is on %s now.", JA: "%s にファイルを作りました。"})
	touch.Flags().StringVar(&file, "file", rebootSentinel, inv.say("path of the file", "ファイルのパス"))
	return []*cobra.Command{stop, start, reboot, touch}
}

// nodeCommand is a command that does something to a node's machine. file is the value of a flag; nil if the command has
// no such flag.
func (inv *invocation) nodeCommand(do engine.PowerSwitch, file *string, short, long, done text.Text) *cobra.Command {
	cmd := inv.command(string(do)+" NODE [--lab LAB]", short, long)
	cmd.Args = exactly(1)
	cmd.ValidArgsFunction = inv.completeNodes
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		play, _, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		var path string
		if file != nil {
			path = *file
		}
		if err := play.Power(cmd.Context(), args[0], do, path); err != nil {
			return err
		}
		inv.narrate(fmt.Sprintf(done.EN, args[0]), fmt.Sprintf(done.JA, args[0]))
		inv.next(action.Do(action.Timeline).With("follow", ""))
		return nil
	}
	return inv.withLab(cmd)
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
	_, s, err := inv.open(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nodeNames(s.Lab), cobra.ShellCompDirectiveNoFileComp
}
