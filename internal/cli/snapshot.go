package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

func newSnapshot(inv *invocation) *cobra.Command {
	return inv.group("snapshot", text.Text{EN: "Save the cluster as it is, and come back to it", JA: "クラスターの今の状態を保存し、あとで戻ります"},
		newSnapshotSave(inv), newSnapshotRestore(inv), newSnapshotList(inv))
}

func newSnapshotSave(inv *invocation) *cobra.Command {
	cmd := inv.command("save NAME [--lab LAB]",
		text.Text{EN: "Save the cluster as it is now", JA: "クラスターの今の状態を保存します"},
		text.Text{
			EN: "Save every object of the cluster and the state of its nodes under NAME. A snapshot of that name is replaced.",
			JA: "クラスターのすべてのオブジェクトとノードの状態を NAME という名前で保存します。同じ名前のスナップショットは置き換えられます。",
		})
	cmd.Args = exactly(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		play, _, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		if err := play.SaveSnapshot(cmd.Context(), args[0]); err != nil {
			return err
		}
		inv.narrate(fmt.Sprintf("The cluster is saved as %s.", args[0]), fmt.Sprintf("クラスターを %s として保存しました。", args[0]))
		inv.next(action.Do(action.RestoreSnapshot).With("snapshot", args[0]))
		return nil
	}
	return inv.withLab(cmd)
}

func newSnapshotRestore(inv *invocation) *cobra.Command {
	cmd := inv.command("restore NAME [--lab LAB]",
		text.Text{EN: "Bring the cluster back to a snapshot", JA: "クラスターをスナップショットの状態に戻します"},
		text.Text{
			EN: "Bring every object back, and the lab to the step in which the snapshot was saved. What was done since then is undone for grading, too.",
			JA: "すべてのオブジェクトを元に戻し、ラボも保存したときのステップに戻します。保存後に行った操作は、採点でもなかったことになります。",
		})
	cmd.Args = exactly(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		play, _, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		err = inv.phases(func(report cluster.Progress) error {
			return play.RestoreSnapshot(cmd.Context(), args[0], report)
		})
		if err != nil {
			return err
		}
		s := play.Session()
		inv.rememberPrompt(s)
		inv.narrate(fmt.Sprintf("The cluster is as it was in %s; the step is %s.", args[0], s.Step.ID),
			fmt.Sprintf("クラスターを %s の状態に戻しました。ステップは %s です。", args[0], s.Step.ID))
		inv.next(action.Do(action.Check))
		return nil
	}
	return inv.withLab(cmd)
}

func newSnapshotList(inv *invocation) *cobra.Command {
	cmd := inv.command("list [--lab LAB] [-o json]",
		text.Text{EN: "List the snapshots", JA: "スナップショットの一覧を表示します"}, text.Text{})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		play, _, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		all, err := play.Snapshots(cmd.Context())
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(all)
		}
		return inv.print(inv.screen().Sheet(present.SnapshotTable(all)))
	}
	return inv.withOutput(inv.withLab(cmd))
}
