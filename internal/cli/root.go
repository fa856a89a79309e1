package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// newRoot returns the program's command with all others below it.
func newRoot(inv *invocation) *cobra.Command {
	root := &cobra.Command{
		Use:   "k8slab",
		Short: inv.say("Kubernetes labs on a real control plane, on your own machine", "手元のマシンの本物のコントロールプレーンで学ぶ Kubernetes ラボ"),
		Long: inv.say(
			"Kubernetes labs on a real control plane, on your own machine.\n\nBegin with k8slab list, then k8slab start LAB. k8slab shell opens a shell with kubectl, and k8slab check looks at what you did.",
			"手元のマシンで本物のコントロールプレーンを動かして学ぶ Kubernetes ラボです。\n\nまず k8slab list でラボを選び、k8slab start LAB で始めます。k8slab shell で kubectl の使えるシェルに入り、k8slab check で結果を確かめます。"),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	root.SetIn(inv.In)
	root.SetOut(inv.Out)
	root.SetErr(inv.Err)
	root.SetFlagErrorFunc(flagProblem)
	root.SetHelpFunc(inv.help)
	root.SetUsageFunc(func(cmd *cobra.Command) error { inv.help(cmd, nil); return nil })
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().Var(&langFlag{inv}, "lang", inv.say("language: en or ja (default: K8SLAB_LANG, LC_ALL, LC_MESSAGES, LANG)", "言語: en または ja (既定は K8SLAB_LANG、LC_ALL、LC_MESSAGES、LANG の順)"))
	root.PersistentFlags().BoolP("help", "h", false, inv.say("show this help", "このヘルプを表示します"))

	for _, g := range []struct{ id, en, ja string }{
		{"play", "Playing a lab", "ラボを進める"},
		{"cluster", "The cluster", "クラスター"},
		{"author", "Writing labs", "ラボを作る"},
		{"about", "About k8slab", "k8slab について"},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: inv.say(g.en, g.ja)})
	}
	add := func(group string, cmds ...*cobra.Command) {
		for _, c := range cmds {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("play", newList(inv), newStart(inv), newLesson(inv), newCheck(inv), newHint(inv), newNext(inv), newGoto(inv),
		newStatus(inv), newTimeline(inv), newReset(inv), newSolution(inv), newFinish(inv))
	add("cluster", newShell(inv), newEnv(inv), newKubectl(inv), newCluster(inv), newNode(inv), newSnapshot(inv), newStop(inv), newDelete(inv))
	add("author", newNew(inv), newLint(inv), newVerify(inv), newSchema(inv))
	add("about", newSource(inv), newDoctor(inv), newChecks(inv), newVersion(inv), newCompletion(inv), newHelp(inv))
	root.AddCommand(newSupervise(inv))
	return root
}

// command returns a command with its short and long description. Long may be empty.
func (inv *invocation) command(use string, short, long text.Text) *cobra.Command {
	return &cobra.Command{Use: use, Short: short.In(inv.lang), Long: long.In(inv.lang), DisableFlagsInUseLine: true, Args: exactly(0)}
}

// withLab adds --lab to a command that acts on the current lab.
func (inv *invocation) withLab(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVar(&inv.lab, "lab", inv.lab, inv.say("the lab, instead of the current one (or K8SLAB_LAB)", "今のラボの代わりに使うラボ (K8SLAB_LAB でも指定できます)"))
	_ = cmd.RegisterFlagCompletionFunc("lab", inv.completeLabs)
	return cmd
}

// withOutput adds -o to a command whose answer a program may read.
func (inv *invocation) withOutput(cmd *cobra.Command) *cobra.Command {
	inv.format = "text"
	cmd.Flags().VarP(&choiceFlag{&inv.format, []string{"text", "json"}}, "output", "o", inv.say("text or json", "text または json"))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// between is cobra.RangeArgs in both languages.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= most {
			return nil
		}
		if len(args) < least {
			return problem.New(problem.Usage,
				text.New("%s needs an argument: %s", "%s には引数が必要です: %s", cmd.CommandPath(), cmd.UseLine()), helpOf(cmd))
		}
		if cmd.HasSubCommands() {
			return unknownCommand(cmd, args[0])
		}
		return problem.New(problem.Usage,
			text.New("%s does not know what to do with %q: %s", "%s の引数 %q は余分です: %s", cmd.CommandPath(), args[most], cmd.UseLine()), helpOf(cmd))
	}
}

// helpOf is the action of reading the command's help.
func helpOf(cmd *cobra.Command) action.Action {
	return action.InTerminal(cmd.CommandPath() + " --help")
}

func exactly(n int) cobra.PositionalArgs { return between(n, n) }

// group is a command that only has other commands below it.
func (inv *invocation) group(name string, short text.Text, cmds ...*cobra.Command) *cobra.Command {
	cmd := inv.command(name, short, text.Text{})
	cmd.Args = exactly(0)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(cmds...)
	return cmd
}

func unknownCommand(cmd *cobra.Command, name string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return unknown(
		fmt.Sprintf("%s has no command %q", cmd.CommandPath(), name),
		fmt.Sprintf("%s に %q というコマンドはありません", cmd.CommandPath(), name),
		name, names, helpOf(cmd))
}

// unknown is the problem of a name that does not exist. It suggests the nearest name that does.
func unknown(en, ja, name string, names []string, next action.Action) error {
	if near := nearest(name, names); near != "" {
		en += fmt.Sprintf("; did you mean %s?", near)
		ja += fmt.Sprintf("。%s のことですか？", near)
		return problem.New(problem.Usage, text.Text{EN: en, JA: ja}, next)
	}
	return problem.New(problem.Usage, text.Text{EN: en + ".", JA: ja + "。"}, next)
}

// flagProblem turns pflag's errors into problems in both languages.
func flagProblem(cmd *cobra.Command, err error) error {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	next := helpOf(cmd)
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := e.GetSpecifiedName()
		var names []string
		collect := func(f *pflag.Flag) { names = append(names, "--"+f.Name) }
		cmd.LocalFlags().VisitAll(collect)
		cmd.InheritedFlags().VisitAll(collect)
		slices.Sort(names)
		flag := "--" + name
		if e.GetSpecifiedShortnames() != "" {
			flag = "-" + name
		}
		return unknown(fmt.Sprintf("%s has no flag %s", cmd.CommandPath(), flag),
			fmt.Sprintf("%s に %s というフラグはありません", cmd.CommandPath(), flag), flag, names, next)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return problem.New(problem.Usage,
			text.New("the flag --%s needs a value.", "フラグ --%s には値が必要です。", e.GetFlag().Name), next)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return problem.New(problem.Usage,
			text.New("--%s does not take %q: it wants %s.", "--%s に %q は指定できません。指定できるのは %s です。", e.GetFlag().Name, e.GetValue(), e.GetFlag().Value.Type()), next)
	}
	return problem.New(problem.Usage, text.Plain(err.Error()), next)
}

// choiceFlag is a flag whose value is one of a few words.
type choiceFlag struct {
	value   *string
	choices []string
}

func (c *choiceFlag) String() string { return *c.value }

func (c *choiceFlag) Type() string { return strings.Join(c.choices, "|") }

func (c *choiceFlag) Set(value string) error {
	if !slices.Contains(c.choices, value) {
		return fmt.Errorf("not one of %s", c.Type())
	}
	*c.value = value
	return nil
}

// langFlag is a flag that sets the language of everything printed after it.
type langFlag struct{ inv *invocation }

func (f *langFlag) String() string { return "" }

func (f *langFlag) Type() string { return "en|ja" }

func (f *langFlag) Set(value string) error {
	if value != string(text.English) && value != string(text.Japanese) {
		return errors.New("not a language of k8slab")
	}
	f.inv.lang = text.Lang(value)
	return nil
}
