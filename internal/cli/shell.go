package cli

import (
	"cmp"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/shell"
	"github.com/k8slab/k8slab/text"
)

// envAnswer is what env -o json prints.
type envAnswer struct {
	Lab        string `json:"lab"`
	Kubeconfig string `json:"kubeconfig"`
	// Bin is the folder with the kubectl that fits the cluster; empty if the provider brings none.
	Bin string `json:"bin,omitempty"`
}

// environment returns what a shell needs to work on the session's cluster. The cluster has to run.
func (inv *invocation) environment(ctx context.Context) (shell.Environment, error) {
	s, p, err := inv.cluster(ctx)
	if err != nil {
		return shell.Environment{}, err
	}
	if s.Cluster.State == cluster.Stopped {
		return shell.Environment{}, problem.New(problem.Cluster,
			text.New("the cluster of %s is stopped", "%s のクラスターは停止しています", s.Lab.ID),
			action.Do(action.Start).On(s.Lab.ID))
	}
	if guest, ok := cluster.As[cluster.Guest](p); ok && s.Cluster.State == cluster.Degraded {
		// Another cluster may have the address by now, and the learner's commands would be done to that one.
		if s.Cluster, err = guest.Ensure(ctx, cluster.Spec{Name: s.Cluster.Name}, nil); err != nil {
			return shell.Environment{}, err
		}
	}
	env, err := inv.shellOf(s)
	if err != nil {
		return shell.Environment{}, err
	}
	env.Kubeconfig = s.Cluster.Kubeconfig
	if k, ok := cluster.As[cluster.Kubectl](p); ok {
		path, err := k.Kubectl(ctx, s.Cluster.Name)
		if err != nil {
			return shell.Environment{}, err
		}
		env.Bin = filepath.Dir(path)
	}
	return env, nil
}

// shellOf returns the environment of the shells of the session's lab, as far as it is known without the lab's cluster.
func (inv *invocation) shellOf(s *engine.Session) (shell.Environment, error) {
	state, err := inv.stateDir()
	if err != nil {
		return shell.Environment{}, err
	}
	return shell.Environment{Lab: s.Lab.ID, Step: s.Step.ID, Self: shell.SelfDir(inv.Env), Dir: filepath.Join(state, "shell", s.Lab.ID)}, nil
}

// rememberPrompt lets shells that are open already show the step at which the lab is now. A prompt that cannot be
// written is no reason to fail.
func (inv *invocation) rememberPrompt(s *engine.Session) {
	if env, err := inv.shellOf(s); err == nil {
		_ = env.ShowStep()
	}
}

func newShell(inv *invocation) *cobra.Command {
	cmd := inv.command("shell [--lab LAB]",
		text.Text{EN: "Open a shell with kubectl for the lab's cluster", JA: "ラボのクラスター用の kubectl が使えるシェルを開きます"},
		text.Text{
			EN: "Open your shell ($SHELL) with kubectl and KUBECONFIG set to the lab's cluster; its prompt shows lab and step. Your own ~/.kube/config is neither used nor changed. Leave it with exit or Ctrl-D.",
			JA: "kubectl と KUBECONFIG をラボのクラスターに合わせて、お使いのシェル ($SHELL) を開きます。プロンプトにラボとステップが表示されます。ご自身の ~/.kube/config は使わず、変更もしません。exit または Ctrl-D で終わります。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		env, err := inv.environment(cmd.Context())
		if err != nil {
			return err
		}
		return inv.runShell(env)
	}
	return inv.withLab(cmd)
}

func (inv *invocation) runShell(env shell.Environment) error {
	program := cmp.Or(inv.Getenv("SHELL"), "/bin/sh")
	prepared, err := env.Prepare(program, inv.Env, inv.InTTY)
	if err != nil {
		return problem.New(problem.Internal, text.New("cannot write to %s: %v", "%s に書き込めません: %v", env.Dir, err), action.Do(action.Doctor)).From(err)
	}
	if inv.InTTY {
		inv.tell(text.New("A shell for %s, step %s. kubectl talks to the lab's cluster. Leave with exit or Ctrl-D.",
			"%s (ステップ %s) のシェルです。kubectl はラボのクラスターにつながります。exit または Ctrl-D で終わります。", env.Lab, env.Step))
	}
	sub := prepared.Command()
	sub.Stdin, sub.Stdout, sub.Stderr = inv.In, inv.Out, inv.Err
	err = sub.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		if !inv.InTTY {
			return exit(failed.ExitCode())
		}
		err = nil // the exit code of the last command in the shell says nothing about this command
	}
	if err != nil {
		return problem.New(problem.Usage, text.New("the shell %s cannot be run: %v", "シェル %s を実行できません: %v", program, err), action.InTerminal("SHELL=/bin/sh k8slab shell")).From(err)
	}
	if inv.InTTY {
		inv.narrate("You have left the lab's shell. The cluster keeps running.", "ラボのシェルを終えました。クラスターは動き続けています。")
		inv.next(action.Do(action.Check))
	}
	return nil
}

func newEnv(inv *invocation) *cobra.Command {
	dialect := string(shell.DialectOf(inv.Getenv("SHELL")))
	var dialects []string
	for _, d := range shell.Dialects() {
		dialects = append(dialects, string(d))
	}
	cmd := inv.command("env [--shell sh|fish|powershell] [--lab LAB] [-o json]",
		text.Text{EN: "Print the variables that point a shell at the lab's cluster", JA: "シェルをラボのクラスターに向ける環境変数を出力します"},
		text.Text{
			EN: "Print lines for your shell to evaluate:\n  eval \"$(k8slab env)\"\n  k8slab env --shell fish | source\n  k8slab env --shell powershell | Out-String | Invoke-Expression",
			JA: "シェルに評価させる行を出力します:\n  eval \"$(k8slab env)\"\n  k8slab env --shell fish | source\n  k8slab env --shell powershell | Out-String | Invoke-Expression",
		})
	cmd.Flags().Var(&choiceFlag{&dialect, dialects}, "shell", inv.say("the shell that reads the lines (default: from SHELL)", "行を読むシェル (既定は SHELL から)"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		env, err := inv.environment(cmd.Context())
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(envAnswer{Lab: env.Lab, Kubeconfig: env.Kubeconfig, Bin: env.Bin})
		}
		return inv.print(env.Lines(shell.Dialect(dialect)))
	}
	return inv.withOutput(inv.withLab(cmd))
}

func newKubectl(inv *invocation) *cobra.Command {
	cmd := inv.command("kubectl ...",
		text.Text{EN: "Run kubectl on the lab's cluster", JA: "ラボのクラスターで kubectl を実行します"},
		text.Text{
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
			args = args[1:] // "--" sets another program's arguments apart by habit
		}
		env, err := inv.environment(cmd.Context())
		if err != nil {
			return err
		}
		path, err := env.Kubectl(inv.Env)
		if err != nil {
			return problem.New(problem.Usage, text.New("there is no kubectl on PATH", "PATH に kubectl がありません"), action.Do(action.Doctor)).From(err)
		}
		return inv.parts.Exec(path, append([]string{"kubectl"}, args...), env.Vars(inv.Env))
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
				return nil, problem.New(problem.Usage, text.Text{EN: "the flag " + name + " needs a value", JA: "フラグ " + name + " には値が必要です"}, action.InTerminal("k8slab help kubectl"))
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
