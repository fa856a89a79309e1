package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/text"
)

// TestShellsKeepTheLabsVariablesAndPrompt runs the shells that every machine has. A start-up file of the user sets each
// variable of the lab to another value.
func TestShellsKeepTheLabsVariablesAndPrompt(t *testing.T) {
	tests := []struct {
		name, shell, command, want string
	}{
		{"bash", "bash", `eval "$PROMPT_COMMAND"; eval "$PROMPT_COMMAND"; echo "$PS1|$KUBECONFIG|$K8SLAB_LAB|${PATH%%:*}"`,
			"[11-maintenance/drain] mine$ |/state/it's/kubeconfig|11-maintenance|/state/bin"},
		{"a POSIX shell", "sh", `echo "$PS1|$KUBECONFIG|$K8SLAB_LAB|${PATH%%:*}"`,
			"[11-maintenance/drain] $ |/state/it's/kubeconfig|11-maintenance|/state/bin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			home := t.TempDir()
			rc := "PS1='mine$ '\nexport KUBECONFIG=/elsewhere\nPATH=/usr/bin:/bin\n"
			if err := os.WriteFile(filepath.Join(home, ".bashrc"), []byte(rc), 0o600); err != nil {
				t.Fatal(err)
			}
			e := maintenance(filepath.Join(home, "it's", "shell"))
			if out := typed(t, e, tt.shell, []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}, tt.command); !strings.Contains(out, tt.want+"\n") {
				t.Errorf("got %q, want %q", out, tt.want)
			}
		})
	}
}

// maintenance is an environment whose names need to be quoted.
func maintenance(dir string) Environment {
	return Environment{Lab: "11-maintenance", Step: "drain", Kubeconfig: "/state/it's/kubeconfig", Bin: "/state/bin", Dir: dir}
}

// typed returns the output of an interactive shell for a command.
func typed(t *testing.T, e Environment, program string, base []string, command string) string {
	t.Helper()
	prepared, err := e.Prepare(program, base, true)
	if err != nil {
		t.Fatal(err)
	}
	cmd := prepared.Command()
	cmd.Stdin = strings.NewReader(command + "\nexit\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestAnOpenShellShowsTheStepThatTheLabHasMovedTo(t *testing.T) {
	e := maintenance(filepath.Join(t.TempDir(), "shell"))
	moved := e
	moved.Step = "deadlock"
	prepared, err := e.Prepare("bash", []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := moved.ShowStep(); err != nil {
		t.Fatal(err)
	}
	cmd := prepared.Command()
	cmd.Stdin = strings.NewReader("eval \"$PROMPT_COMMAND\"; echo \"$PS1\"\nexit\n")
	if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), "[11-maintenance/deadlock] ") {
		t.Errorf("got %q, error %v", out, err)
	}
}

func TestAProgramWithoutATerminalGetsTheVariablesOnly(t *testing.T) {
	e := maintenance(filepath.Join(t.TempDir(), "shell"))
	prepared, err := e.Prepare("sh", []string{"PATH=" + os.Getenv("PATH"), "KUBECONFIG=/my/own"}, false)
	if err != nil {
		t.Fatal(err)
	}
	cmd := prepared.Command()
	cmd.Stdin = strings.NewReader(`echo "$KUBECONFIG|$K8SLAB_LAB|$ENV"`)
	if out, err := cmd.Output(); err != nil || string(out) != "/state/it's/kubeconfig|11-maintenance|\n" {
		t.Errorf("got %q, error %v", out, err)
	}
	if len(prepared.Args) != 1 {
		t.Errorf("it is started with %q", prepared.Args)
	}
}

func TestVarsReplaceThoseOfTheBase(t *testing.T) {
	base := []string{"PATH=/usr/bin", "KUBECONFIG=/my/own", "K8SLAB_LAB=other", "EDITOR=vi", "K8SLAB_LANG=en"}
	e := Environment{Lab: "11-maintenance", Kubeconfig: "/state/kubeconfig", Bin: "/state/bin", Self: "/opt"}
	want := []string{"EDITOR=vi", "K8SLAB_LANG=en", "KUBECONFIG=/state/kubeconfig", "K8SLAB_LAB=11-maintenance", "PATH=/state/bin:/opt:/usr/bin"}
	if got := e.Vars(base); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	e.Lang, e.Bin, e.Self = text.Japanese, "", ""
	want = []string{"EDITOR=vi", "KUBECONFIG=/state/kubeconfig", "K8SLAB_LAB=11-maintenance", "PATH=/usr/bin", "K8SLAB_LANG=ja"}
	if got := e.Vars(base); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestLinesAreRead has a POSIX shell read its lines. The lines for shells that a machine may not have are compared with
// how these shells quote.
func TestLinesAreRead(t *testing.T) {
	e := Environment{Lab: "11-maintenance", Kubeconfig: `/state/it's \here/kubeconfig`, Bin: "/state/my bin"}
	out, err := exec.Command("sh", "-c", e.Lines(POSIX)+`echo "$KUBECONFIG|$K8SLAB_LAB|${PATH%%:*}"`).Output()
	if err != nil || string(out) != `/state/it's \here/kubeconfig|11-maintenance|/state/my bin`+"\n" {
		t.Errorf("got %q, error %v", out, err)
	}
	for dialect, want := range map[Dialect]string{
		Fish: `set -gx KUBECONFIG '/state/it\'s \\here/kubeconfig';` + "\n" + `set -gx K8SLAB_LAB '11-maintenance';` + "\n" + `set -gx PATH '/state/my bin' $PATH;` + "\n",
		PowerShell: `$env:KUBECONFIG = '/state/it''s \here/kubeconfig'` + "\n" + `$env:K8SLAB_LAB = '11-maintenance'` + "\n" +
			`$env:PATH = '/state/my bin' + [IO.Path]::PathSeparator + $env:PATH` + "\n",
	} {
		if got := e.Lines(dialect); got != want {
			t.Errorf("%s: got %q, want %q", dialect, got, want)
		}
	}
}

func TestEveryShellIsStartedWithItsOwnFile(t *testing.T) {
	for program, want := range map[string]struct {
		file string
		args []string
		env  string
		says []string
	}{
		"/usr/bin/bash": {"bashrc", []string{"--rcfile", "@/bashrc", "-i"}, "", []string{". ~/.bashrc\nexport KUBECONFIG="}},
		"/bin/zsh":      {".zshrc", []string{"-i"}, "ZDOTDIR=@", []string{"ZDOTDIR=/home/me\n", "precmd_functions+=(__k8slab_prompt)"}},
		"fish":          {"config.fish", []string{"-C", "source '@/config.fish'"}, "", []string{"set -gx K8SLAB_LAB '11-maintenance';\n", "set -gx PATH '/state/bin' $PATH;\n", "(cat '@/prompt')"}},
		"pwsh":          {"profile.ps1", []string{"-NoExit", "-Command", ". '@/profile.ps1'"}, "", []string{"$env:K8SLAB_LAB = '11-maintenance'\n", "Get-Content -ErrorAction Ignore '@/prompt'"}},
		"/bin/dash":     {"shrc", []string{"-i"}, "ENV=@/shrc", []string{"PS1='[11-maintenance/drain] $ '"}},
	} {
		dir := t.TempDir()
		prepared, err := maintenance(dir).Prepare(program, []string{"HOME=/home/me"}, true)
		if err != nil {
			t.Fatal(err)
		}
		here := func(s string) string { return strings.ReplaceAll(s, "@", dir) }
		args := append([]string{program}, want.args...)
		for i := range args {
			args[i] = here(args[i])
		}
		if prepared.Path != program || !slices.Equal(prepared.Args, args) {
			t.Errorf("%s: got %q with %q, want %q", program, prepared.Path, prepared.Args, args)
		}
		if want.env != "" && !slices.Contains(prepared.Env, here(want.env)) {
			t.Errorf("%s: the variables %q lack %s", program, prepared.Env, here(want.env))
		}
		file, err := os.ReadFile(filepath.Join(dir, want.file))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range want.says {
			if !strings.Contains(string(file), here(line)) {
				t.Errorf("%s: the file lacks %q:\n%s", program, here(line), file)
			}
		}
	}
}

func TestKubectlIsTheClustersOwnOrTheOneOnPath(t *testing.T) {
	if got, err := (Environment{Bin: "/state/bin"}).Kubectl(nil); err != nil || got != "/state/bin/kubectl" {
		t.Errorf("got %s, error %v", got, err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kubectl"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := (Environment{}).Kubectl([]string{"PATH=/nowhere:" + dir}); err != nil || got != filepath.Join(dir, "kubectl") {
		t.Errorf("got %s, error %v", got, err)
	}
	if got, err := (Environment{}).Kubectl([]string{"PATH=/nowhere"}); err == nil {
		t.Errorf("there is no kubectl, and it is said to be %s", got)
	}
}
