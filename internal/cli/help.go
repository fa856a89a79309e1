package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/text"
)

// help prints a command's help: what it does, how to type it, what is below it, its flags and its exit codes.
func (inv *invocation) help(cmd *cobra.Command, _ []string) {
	s := inv.screen()
	var b strings.Builder
	long := cmd.Long
	if long == "" {
		long = cmd.Short
	}
	b.WriteString(s.Paragraph(long, 0))

	fmt.Fprintf(&b, "\n%s\n", inv.say("Usage:", "使い方:"))
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s %s\n", cmd.CommandPath(), inv.say("COMMAND [flags]", "コマンド [フラグ]"))
	} else {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	inv.helpCommands(&b, s, cmd)
	inv.helpFlags(&b, s, inv.say("Flags:", "フラグ:"), cmd.LocalFlags())
	inv.helpFlags(&b, s, inv.say("Flags of every command:", "すべてのコマンドのフラグ:"), cmd.InheritedFlags())

	fmt.Fprintf(&b, "\n%s\n", inv.say("Exit codes:", "終了コード:"))
	b.WriteString(s.Definitions(inv.exitCodes()))
	fmt.Fprint(inv.Out, b.String())
}

func (inv *invocation) helpCommands(b *strings.Builder, s terminal.Screen, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	groups := cmd.Groups()
	if len(groups) == 0 {
		groups = []*cobra.Group{{Title: inv.say("Commands", "コマンド")}}
	}
	for _, g := range groups {
		var rows [][2]string
		for _, c := range cmd.Commands() {
			if c.GroupID == g.ID && c.IsAvailableCommand() {
				rows = append(rows, [2]string{c.Name(), c.Short})
			}
		}
		fmt.Fprintf(b, "\n%s:\n%s", g.Title, s.Definitions(rows))
	}
}

func (inv *invocation) helpFlags(b *strings.Builder, s terminal.Screen, title string, flags *pflag.FlagSet) {
	var rows [][2]string
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if t := f.Value.Type(); t != "bool" {
			name += " " + t
		}
		rows = append(rows, [2]string{name, f.Usage})
	})
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n%s\n%s", title, s.Definitions(rows))
	}
}

func (inv *invocation) exitCodes() [][2]string {
	return [][2]string{
		{"0", inv.say("done; checks passed", "成功。チェックに合格")},
		{"1", inv.say("something unexpected went wrong", "予期しないエラー")},
		{"2", inv.say("wrong command, flag, lab or step", "コマンド、フラグ、ラボ、ステップの誤り")},
		{"3", inv.say("checks failed", "チェックに不合格")},
		{"4", inv.say("the cluster is not available", "クラスターが使えない")},
		{"5", inv.say("a lab is broken", "ラボの内容が壊れている")},
		{"130", inv.say("interrupted", "中断された")},
	}
}

// newHelp replaces cobra's own, whose words are English.
func newHelp(inv *invocation) *cobra.Command {
	cmd := inv.command("help [COMMAND]", text.Text{EN: "Show the help of a command", JA: "コマンドのヘルプを表示します"}, text.Text{})
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		target, rest, err := cmd.Root().Find(args)
		if err != nil || target == nil || len(rest) > 0 {
			return unknownCommand(cmd.Root(), strings.Join(args, " "))
		}
		return target.Help()
	}
	return cmd
}
