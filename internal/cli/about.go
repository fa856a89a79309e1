package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/internal/app"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/text"
)

func newChecks(inv *invocation) *cobra.Command {
	cmd := inv.command("checks [NAME] [-o json]",
		text.Text{EN: "List and explain the checks that labs can use", JA: "ラボで使えるチェックの一覧と説明を表示します"}, text.Text{})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeChecks
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		eng, err := inv.engine()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return inv.listChecks(eng.Vocabulary().Definitions())
		}
		d, err := eng.Vocabulary().Lookup(args[0])
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(d)
		}
		return inv.print(inv.checkText(d))
	}
	return inv.withOutput(cmd)
}

func (inv *invocation) completeChecks(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	eng, err := inv.engine()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, d := range eng.Vocabulary().Definitions() {
		names = append(names, d.Name)
	}
	return withPrefix(names, word), cobra.ShellCompDirectiveNoFileComp
}

func (inv *invocation) listChecks(all []checks.Definition) error {
	if inv.asJSON() {
		return inv.printJSON(append([]checks.Definition{}, all...))
	}
	rows := make([][]string, len(all))
	for i, d := range all {
		rows[i] = []string{d.Name, d.Doc.Summary.In(inv.lang)}
	}
	return inv.print(inv.screen().Table([]terminal.Column{{Title: inv.say("CHECK", "チェック")}, {Title: inv.say("LOOKS AT", "調べるもの"), Wrap: true}}, rows))
}

func (inv *invocation) checkText(d checks.Definition) string {
	screen := inv.screen()
	var b strings.Builder
	b.WriteString(d.Name + "\n\n" + screen.Paragraph(d.Doc.Summary.In(inv.lang), 0) + "\n")
	says := [][2]string{
		{inv.say("passes", "合格"), d.Doc.Pass.In(inv.lang)},
		{inv.say("fails", "不合格"), d.Doc.Fail.In(inv.lang)},
	}
	if len(d.Needs) > 0 {
		says = append(says, [2]string{inv.say("needs", "条件"), inv.needsText(d.Needs)})
	}
	b.WriteString(screen.Definitions(says))
	if len(d.Params) == 0 {
		return b.String()
	}
	b.WriteString("\n" + inv.say("Parameters (with:)", "パラメーター (with:)") + "\n")
	rows := make([][2]string, len(d.Params))
	for i, p := range d.Params {
		rows[i] = inv.paramRow(p)
	}
	b.WriteString(screen.Definitions(rows))
	return b.String()
}

func (inv *invocation) needsText(needs []checks.Need) string {
	names := make([]string, len(needs))
	for i, need := range needs {
		names[i] = string(need)
	}
	return fmt.Sprintf(inv.say("A cluster with %s; on other clusters the check is left out, and costs no point.", "%s の機能を持つクラスター。ほかのクラスターでは判定せず、減点もしない。"),
		strings.Join(names, inv.say(" and ", " と ")))
}

func newVersion(inv *invocation) *cobra.Command {
	cmd := inv.command("version [-o json]", text.Text{EN: "Print the version of k8slab", JA: "k8slab のバージョンを表示します"}, text.Text{})
	cmd.RunE = func(*cobra.Command, []string) error {
		v := app.ThisBuild()
		if inv.asJSON() {
			return inv.printJSON(v)
		}
		text := "k8slab " + v.Version
		if v.Revision != "" && !strings.Contains(v.Version, v.Revision[:min(12, len(v.Revision))]) {
			text += " (" + v.Revision[:min(12, len(v.Revision))] + ")"
		}
		return inv.print(fmt.Sprintf("%s %s %s\n", text, v.Go, v.Platform))
	}
	return inv.withOutput(cmd)
}

func newCompletion(inv *invocation) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	cmd := inv.command("completion bash|zsh|fish|powershell",
		text.Text{EN: "Print the completion script for a shell", JA: "シェルの補完スクリプトを出力します"},
		text.Text{
			EN: "Print a script that completes commands, labs, steps and checks. For this shell only:\n  bash        source <(k8slab completion bash)\n  zsh         source <(k8slab completion zsh)\n  fish        k8slab completion fish | source\n  powershell  k8slab completion powershell | Out-String | Invoke-Expression",
			JA: "コマンド、ラボ、ステップ、チェックの名前を補完するスクリプトを出力します。今のシェルだけで使うには:\n  bash        source <(k8slab completion bash)\n  zsh         source <(k8slab completion zsh)\n  fish        k8slab completion fish | source\n  powershell  k8slab completion powershell | Out-String | Invoke-Expression",
		})
	cmd.Args = exactly(1)
	cmd.ValidArgs = shells
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		root := cmd.Root()
		switch args[0] {
		case "bash":
			return root.GenBashCompletionV2(inv.Out, true)
		case "zsh":
			return root.GenZshCompletion(inv.Out)
		case "fish":
			return root.GenFishCompletion(inv.Out, true)
		case "powershell":
			return root.GenPowerShellCompletionWithDesc(inv.Out)
		}
		return unknown(fmt.Sprintf("there is no completion for the shell %q", args[0]), fmt.Sprintf("シェル %q の補完はありません", args[0]),
			args[0], shells, helpOf(cmd))
	}
	return cmd
}

// newSupervise returns the command that a provider runs in the background. Nobody types it.
func newSupervise(inv *invocation) *cobra.Command {
	cmd := inv.command("supervise --dir DIR", text.Text{EN: "Run a cluster's components (k8slab starts this by itself)", JA: "クラスターの部品を動かします (k8slab が自動で起動します)"}, text.Text{})
	cmd.Hidden = true
	cmd.Args = cobra.ArbitraryArgs
	cmd.DisableFlagParsing = true
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if code := inv.parts.Supervise(cmd.Context(), args); code != 0 {
			return exit(code)
		}
		return nil
	}
	return cmd
}

func (inv *invocation) paramRow(p checks.Param) [2]string {
	kind := p.Type
	if p.Optional {
		kind += inv.say(", may be left out", "、省略可")
	}
	text := p.Doc.In(inv.lang) + " (" + kind + ")"
	for _, f := range p.Fields {
		text += "; " + f.Name + ": " + f.Doc.In(inv.lang)
	}
	return [2]string{p.Name, text}
}
