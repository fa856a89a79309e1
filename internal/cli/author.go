package cli

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/internal/app"
	"github.com/k8slab/k8slab/internal/scaffold"
	"github.com/k8slab/k8slab/text"
)

// newNew returns the command "new".
func newNew(inv *invocation) *cobra.Command {
	return inv.group("new", text.Text{EN: "Write the beginning of a lab or a step", JA: "ラボやステップのひな形を作ります"}, newNewLab(inv), newNewStep(inv))
}

func newNewLab(inv *invocation) *cobra.Command {
	cmd := inv.command("lab ID [--dir DIR]",
		text.Text{EN: "Write a small working lab for you to change", JA: "そのまま動く小さなラボを作ります"},
		text.Text{
			EN: "Write a lab with one step into DIR/ID: lessons in both languages, a starting state, checks, and right and wrong answers that prove them. It works as it is; change it piece by piece. Nothing is ever overwritten.",
			JA: "ステップが 1 つあるラボを DIR/ID に作ります。両言語のレッスン、開始状態、チェック、それを確かめる正答と誤答がそろっています。そのままで動くので、少しずつ書き換えてください。すでにあるものは上書きしません。",
		})
	cmd.Args = exactly(1)
	var dir string
	cmd.Flags().StringVar(&dir, "dir", ".", inv.say("the folder of labs to write it into", "ラボを置くフォルダー"))
	_ = cmd.MarkFlagDirname("dir")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		made, err := scaffold.Lab(dir, args[0])
		if err != nil {
			return err
		}
		return inv.newFolder(made, made)
	}
	return cmd
}

func newNewStep(inv *invocation) *cobra.Command {
	cmd := inv.command("step LAB-DIR ID",
		text.Text{EN: "Write a small working step for you to change", JA: "そのまま動く小さなステップを作ります"},
		text.Text{
			EN: "Write a step after the last step of the lab in the folder LAB-DIR, with all its files. It works as it is; change it piece by piece. Nothing is ever overwritten.",
			JA: "LAB-DIR のラボの末尾に、必要なファイルがそろったステップを作ります。そのままで動くので、少しずつ書き換えてください。すでにあるものは上書きしません。",
		})
	cmd.Args = exactly(2)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		made, err := scaffold.Step(args[0], args[1])
		if err != nil {
			return err
		}
		return inv.newFolder(made, filepath.Clean(args[0]))
	}
	return cmd
}

// newFolder prints the new folder and says how to go on with its lab.
func (inv *invocation) newFolder(made, lab string) error {
	if err := inv.print(made + "\n"); err != nil {
		return err
	}
	inv.narrate("Change its files piece by piece. They are right as they are; k8slab lint tells you when they no longer are.",
		"ファイルを少しずつ書き換えてください。今のままで正しく動きます。誤りが入れば k8slab lint が指摘します。")
	inv.next(action.Do(action.Lint).With("path", lab))
	return nil
}

func newSchema(inv *invocation) *cobra.Command {
	files := []string{"lab", "step"}
	cmd := inv.command("schema lab|step",
		text.Text{EN: "Print the JSON Schema of lab.yaml or step.yaml, for editors", JA: "エディター用に lab.yaml や step.yaml の JSON Schema を出力します"},
		text.Text{
			EN: "Print the JSON Schema (draft-07) of lab.yaml or of step.yaml with every check and its parameters. An editor with a YAML language server completes and checks the file with it. k8slab lint finds more.",
			JA: "lab.yaml、または step.yaml の JSON Schema (draft-07) を出力します。step.yaml のものには、すべてのチェックとそのパラメーターが含まれます。YAML 言語サーバーのあるエディターなら、補完と検証に使えます。k8slab lint はさらに多くの誤りを見つけます。",
		})
	cmd.Args = exactly(1)
	cmd.ValidArgs = files
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		lab, step := catalog.Schemas(inv.lang, app.Vocabulary())
		switch args[0] {
		case "lab":
			return inv.printJSON(lab)
		case "step":
			return inv.printJSON(step)
		}
		return unknown(fmt.Sprintf("there is no schema of %q; choose lab or step", args[0]), fmt.Sprintf("%q のスキーマはありません。あるのは lab と step です", args[0]),
			args[0], files, helpOf(cmd))
	}
	return cmd
}
