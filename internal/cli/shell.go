package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

// surroundings are what a shell needs to work on a lab's cluster.
type surroundings struct {
	Lab        string `json:"lab"`
	Kubeconfig string `json:"kubeconfig"`
	// Bin is the folder with the kubectl that fits the cluster; empty where the provider brings none.
	Bin string `json:"bin,omitempty"`
	// dir belongs to the lab's shells: the prompt's text and start-up files.
	dir string
}

// surroundings of a session whose cluster runs.
func (inv *invocation) surroundings(ctx context.Context) (*engine.Session, surroundings, error) {
	s, p, err := inv.cluster(ctx)
	if err != nil {
		return nil, surroundings{}, err
	}
	if s.Cluster.State == cluster.Stopped {
		return nil, surroundings{}, problem.New(problem.Cluster,
			fmt.Sprintf("the cluster of %s is stopped", s.Lab.ID), fmt.Sprintf("%s のクラスターは停止しています", s.Lab.ID),
			"k8slab start "+s.Lab.ID)
	}
	if guest, ok := p.(cluster.Guest); ok && s.Cluster.State == cluster.Degraded {
		// There may be another cluster at the address by now, and what is typed would be done to that one.
		if s.Cluster, err = guest.Ensure(ctx, cluster.Spec{Name: s.Cluster.Name}, nil); err != nil {
			return nil, surroundings{}, err
		}
	}
	around := surroundings{Lab: s.Lab.ID, Kubeconfig: s.Cluster.Kubeconfig}
	if k, ok := p.(cluster.Kubectl); ok {
		path, err := k.Kubectl(ctx, s.Cluster.Name)
		if err != nil {
			return nil, surroundings{}, err
		}
		around.Bin = filepath.Dir(path)
	}
	around.dir, err = inv.shellDir(s.Lab.ID)
	return s, around, err
}

func (inv *invocation) shellDir(lab string) (string, error) {
	state, err := inv.stateDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(state, "shell", lab), nil
}

// environment is the process's own with what the lab needs put over it.
func (inv *invocation) environment(around surroundings) []string {
	env := make([]string, 0, len(inv.Env)+3)
	for _, e := range inv.Env {
		name, _, _ := strings.Cut(e, "=")
		if name != "KUBECONFIG" && name != "K8SLAB_LAB" && name != "PATH" {
			env = append(env, e)
		}
	}
	return append(env, "KUBECONFIG="+around.Kubeconfig, "K8SLAB_LAB="+around.Lab, "PATH="+inv.path(around))
}

// path puts the lab's kubectl, and k8slab itself, in front.
func (inv *invocation) path(around surroundings) string {
	return joinPath(around.Bin, inv.selfDir(), inv.Getenv("PATH"))
}

// selfDir is the folder of this program where it would not be found otherwise, so that "k8slab check" works in the
// shell as lessons write it.
func (inv *invocation) selfDir() string {
	for _, dir := range filepath.SplitList(inv.Getenv("PATH")) {
		if info, err := os.Stat(filepath.Join(dir, "k8slab")); err == nil && info.Mode().IsRegular() {
			return ""
		}
	}
	self, err := os.Executable()
	if err != nil || filepath.Base(self) != "k8slab" {
		return ""
	}
	return filepath.Dir(self)
}

func joinPath(dirs ...string) string {
	var kept []string
	for _, d := range dirs {
		if d != "" {
			kept = append(kept, d)
		}
	}
	return strings.Join(kept, string(os.PathListSeparator))
}

// promptText is what shells of a lab show before each command.
func promptText(s *engine.Session) string { return s.Lab.ID + "/" + s.Step.ID }

// rememberPrompt lets shells that are open already show the step at which the lab is now. A prompt that cannot be
// written is no reason to fail.
func (inv *invocation) rememberPrompt(s *engine.Session) {
	if dir, err := inv.shellDir(s.Lab.ID); err == nil {
		_ = writePrompt(dir, promptText(s))
	}
}

func writePrompt(dir, text string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "prompt"), []byte(text+"\n"), 0o600)
}

func newShell(inv *invocation) *cobra.Command {
	cmd := inv.command("shell [--lab LAB]",
		content.Text{EN: "Open a shell with kubectl for the lab's cluster", JA: "ラボのクラスター用の kubectl が使えるシェルを開きます"},
		content.Text{
			EN: "Open your shell ($SHELL) with kubectl and KUBECONFIG set to the lab's cluster; its prompt shows lab and step. Your own ~/.kube/config is neither used nor changed. Leave it with exit or Ctrl-D.",
			JA: "kubectl と KUBECONFIG をラボのクラスターに合わせて、お使いのシェル ($SHELL) を開きます。プロンプトにラボとステップが表示されます。ご自身の ~/.kube/config は使わず、変更もしません。exit または Ctrl-D で終わります。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, around, err := inv.surroundings(cmd.Context())
		if err != nil {
			return err
		}
		if err := writePrompt(around.dir, promptText(s)); err != nil {
			return cannotWrite(around.dir, err)
		}
		return inv.runShell(cmd.Context(), s, around)
	}
	return inv.withLab(cmd)
}

func cannotWrite(dir string, err error) error {
	return problem.New(problem.Internal, fmt.Sprintf("cannot write to %s: %v", dir, err), fmt.Sprintf("%s に書き込めません: %v", dir, err), "k8slab doctor").From(err)
}

func (inv *invocation) runShell(ctx context.Context, s *engine.Session, around surroundings) error {
	shell := inv.Getenv("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	env := inv.environment(around)
	argv := []string{shell}
	if inv.InTTY {
		extra, more, err := interactive(filepath.Base(shell), around, []string{around.Bin, inv.selfDir()}, env)
		if err != nil {
			return cannotWrite(around.dir, err)
		}
		argv, env = append(argv, extra...), append(env, more...)
		inv.narrate(fmt.Sprintf("A shell for %s, step %s. kubectl talks to the lab's cluster. Leave with exit or Ctrl-D.", s.Lab.ID, s.Step.ID),
			fmt.Sprintf("%s (ステップ %s) のシェルです。kubectl はラボのクラスターにつながります。exit または Ctrl-D で終わります。", s.Lab.ID, s.Step.ID))
	}
	// Ctrl-C belongs to what runs in the shell: not CommandContext, which would end the shell with it.
	sub := exec.Command(argv[0], argv[1:]...)
	sub.Stdin, sub.Stdout, sub.Stderr, sub.Env = inv.In, inv.Out, inv.Err, env
	err := sub.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		if inv.InTTY {
			// The code of the last thing that was typed says nothing about this command.
			err = nil
		} else {
			return exit(failed.ExitCode())
		}
	}
	if err != nil {
		return problem.New(problem.Usage, fmt.Sprintf("the shell %s cannot be run: %v", shell, err), fmt.Sprintf("シェル %s を実行できません: %v", shell, err), "SHELL=/bin/sh k8slab shell").From(err)
	}
	if inv.InTTY {
		inv.narrate("You have left the lab's shell. The cluster goes on.", "ラボのシェルを終えました。クラスターは動き続けています。")
		inv.next("k8slab check")
	}
	return nil
}

// interactive returns the arguments and variables with which the shell starts as its user has set it up, and then
// gets the lab's variables and prompt: start-up files may set PATH, KUBECONFIG and the prompt themselves. front is
// what comes first on PATH.
func interactive(shell string, around surroundings, front, env []string) (args, more []string, err error) {
	set := "export KUBECONFIG=" + quoteSh(around.Kubeconfig) + "\nexport K8SLAB_LAB=" + quoteSh(around.Lab) + "\n"
	if dirs := joinPath(front...); dirs != "" {
		set += "export PATH=" + quoteSh(dirs) + `:"$PATH"` + "\n"
	}
	prompt := filepath.Join(around.dir, "prompt")
	write := func(name, text string) string {
		file := filepath.Join(around.dir, name)
		if err == nil {
			err = os.WriteFile(file, []byte(text), 0o600)
		}
		return file
	}
	switch shell {
	case "bash":
		rc := write("bashrc", `[ -f ~/.bashrc ] && . ~/.bashrc
`+set+`__k8slab_prompt() {
  local status=$? mark
  mark="[$(cat `+quoteSh(prompt)+` 2>/dev/null)] "
  PS1="${PS1#"$__k8slab_mark"}"
  PS1="$mark$PS1"
  __k8slab_mark=$mark
  return $status
}
PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND
}__k8slab_prompt"
`)
		return []string{"--rcfile", rc, "-i"}, nil, err
	case "zsh":
		own := valueOf(env, "ZDOTDIR")
		if own == "" {
			own = valueOf(env, "HOME")
		}
		write(".zshenv", "ZDOTDIR="+quoteSh(own)+"\n[ -f \"$ZDOTDIR/.zshenv\" ] && . \"$ZDOTDIR/.zshenv\"\nZDOTDIR="+quoteSh(around.dir)+"\n")
		write(".zshrc", "ZDOTDIR="+quoteSh(own)+"\n[ -f \"$ZDOTDIR/.zshrc\" ] && . \"$ZDOTDIR/.zshrc\"\n"+set+`__k8slab_prompt() {
  local mark
  mark="[$(cat `+quoteSh(prompt)+` 2>/dev/null)] "
  PS1="$mark${PS1#"$__k8slab_mark"}"
  __k8slab_mark=$mark
}
typeset -ga precmd_functions
precmd_functions+=(__k8slab_prompt)
`)
		return []string{"-i"}, []string{"ZDOTDIR=" + around.dir}, err
	case "fish":
		rc := write("config.fish", "set -gx KUBECONFIG "+quoteFish(around.Kubeconfig)+"\nset -gx K8SLAB_LAB "+quoteFish(around.Lab)+"\n"+fishPath(front...)+
			"functions -q fish_prompt; and functions -c fish_prompt __k8slab_own_prompt\nfunction fish_prompt\n  set -l last $status\n  echo -n '['(cat "+quoteFish(prompt)+")'] '\n  functions -q __k8slab_own_prompt; and begin; test $last -eq 0; __k8slab_own_prompt; end\nend\n")
		return []string{"-C", "source " + quoteFish(rc)}, nil, err
	default:
		// A POSIX shell reads the file that ENV names; not every one expands a command in its prompt.
		text, _ := os.ReadFile(prompt)
		rc := write("shrc", set+"PS1="+quoteSh("["+strings.TrimSpace(string(text))+"] $ ")+"\n")
		return []string{"-i"}, []string{"ENV=" + rc}, err
	}
}

func valueOf(env []string, name string) string { return Streams{Env: env}.Getenv(name) }

func newEnv(inv *invocation) *cobra.Command {
	shell := ""
	cmd := inv.command("env [--shell sh|fish|powershell] [--lab LAB] [-o json]",
		content.Text{EN: "Print the variables that point a shell at the lab's cluster", JA: "シェルをラボのクラスターに向ける環境変数を出力します"},
		content.Text{
			EN: "Print lines for your shell to evaluate:\n  eval \"$(k8slab env)\"\n  k8slab env --shell fish | source\n  k8slab env --shell powershell | Out-String | Invoke-Expression",
			JA: "シェルに評価させる行を出力します:\n  eval \"$(k8slab env)\"\n  k8slab env --shell fish | source\n  k8slab env --shell powershell | Out-String | Invoke-Expression",
		})
	switch filepath.Base(inv.Getenv("SHELL")) {
	case "fish":
		shell = "fish"
	case "pwsh":
		shell = "powershell"
	default:
		shell = "sh"
	}
	cmd.Flags().Var(&choiceFlag{&shell, []string{"sh", "fish", "powershell"}}, "shell", inv.say("the shell that reads the lines (default: from SHELL)", "行を読むシェル (既定は SHELL から)"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_, around, err := inv.surroundings(cmd.Context())
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(around)
		}
		return inv.print(exportLines(shell, around))
	}
	return inv.withOutput(inv.withLab(cmd))
}

func exportLines(shell string, around surroundings) string {
	switch shell {
	case "fish":
		return "set -gx KUBECONFIG " + quoteFish(around.Kubeconfig) + ";\nset -gx K8SLAB_LAB " + quoteFish(around.Lab) + ";\n" + fishPath(around.Bin)
	case "powershell":
		text := "$env:KUBECONFIG = " + quotePowerShell(around.Kubeconfig) + "\n$env:K8SLAB_LAB = " + quotePowerShell(around.Lab) + "\n"
		if around.Bin != "" {
			text += "$env:PATH = " + quotePowerShell(around.Bin) + " + [IO.Path]::PathSeparator + $env:PATH\n"
		}
		return text
	default:
		text := "export KUBECONFIG=" + quoteSh(around.Kubeconfig) + "\nexport K8SLAB_LAB=" + quoteSh(around.Lab) + "\n"
		if around.Bin != "" {
			text += "export PATH=" + quoteSh(around.Bin) + `:"$PATH"` + "\n"
		}
		return text
	}
}

func fishPath(dirs ...string) string {
	quoted := ""
	for _, dir := range dirs {
		if dir != "" {
			quoted += quoteFish(dir) + " "
		}
	}
	if quoted == "" {
		return ""
	}
	return "set -gx PATH " + quoted + "$PATH;\n"
}

func quoteSh(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func quoteFish(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func quotePowerShell(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func newKubectl(inv *invocation) *cobra.Command {
	cmd := inv.command("kubectl ...",
		content.Text{EN: "Run kubectl on the lab's cluster", JA: "ラボのクラスターで kubectl を実行します"},
		content.Text{
			EN: "Run the kubectl that fits the cluster. Everything after kubectl is kubectl's own; its exit code is kept. To choose a lab, put --lab LAB before kubectl's arguments, or set K8SLAB_LAB.",
			JA: "クラスターに合った kubectl を実行します。kubectl の後ろはすべて kubectl の引数で、終了コードもそのまま返します。ラボを選ぶには、引数の前に --lab LAB を付けるか K8SLAB_LAB を設定します。",
		})
	cmd.Args = cobra.ArbitraryArgs
	cmd.DisableFlagParsing = true
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		args, err := inv.ownFlags(args)
		if err != nil {
			return err
		}
		if len(args) > 0 && args[0] == "--" {
			args = args[1:] // the habit of setting another program's arguments apart
		}
		_, around, err := inv.surroundings(cmd.Context())
		if err != nil {
			return err
		}
		env := inv.environment(around)
		path := filepath.Join(around.Bin, "kubectl")
		if around.Bin == "" {
			if path, err = lookPath("kubectl", inv.Getenv("PATH")); err != nil {
				return problem.New(problem.Usage, "there is no kubectl on PATH", "PATH に kubectl がありません", "k8slab doctor").From(err)
			}
		}
		return inv.parts.Exec(path, append([]string{"kubectl"}, args...), env)
	}
	return cmd
}

// ownFlags takes k8slab's flags off the beginning of kubectl's arguments.
func (inv *invocation) ownFlags(args []string) ([]string, error) {
	for len(args) > 0 {
		name, value, joined := strings.Cut(args[0], "=")
		if name != "--lab" && name != "--lang" {
			return args, nil
		}
		rest := args[1:]
		if !joined {
			if len(rest) == 0 {
				return nil, problem.New(problem.Usage, "the flag "+name+" needs a value", "フラグ "+name+" には値が必要です", "k8slab help kubectl")
			}
			value, rest = rest[0], rest[1:]
		}
		if name == "--lab" {
			inv.lab = value
		}
		args = rest
	}
	return args, nil
}

func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", exec.ErrNotFound
}
