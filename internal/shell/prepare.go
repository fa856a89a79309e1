package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// Prepared is a shell that is ready to be started, on the streams of this process or on a terminal of its own.
type Prepared struct {
	// Path is the program as it was named, which may be a name on PATH.
	Path string
	// Args begin with the program's own name, as execve wants them.
	Args []string
	Env  []string
}

// Command returns the shell as a command without streams, which the caller sets. No context ends the command: Ctrl-C
// belongs to the program that runs in the shell.
func (p Prepared) Command() *exec.Cmd {
	cmd := exec.Command(p.Path, p.Args[1:]...)
	cmd.Env = p.Env
	return cmd
}

// Prepare prepares a program, which may be a name on PATH. For a person at a terminal, the program starts as its user
// has set it up and then gets the lab's variables and prompt, because the user's start-up files may set PATH,
// KUBECONFIG and the prompt themselves. A program that reads its commands from elsewhere only gets the variables. The
// files that a shell reads at its start are written to Dir.
func (e Environment) Prepare(program string, base []string, interactive bool) (Prepared, error) {
	p := Prepared{Path: program, Args: []string{program}, Env: e.Vars(base)}
	if err := e.ShowStep(); err != nil || !interactive {
		return p, err
	}
	args, more, err := e.startUp(filepath.Base(program), p.Env)
	p.Args, p.Env = append(p.Args, args...), append(p.Env, more...)
	return p, err
}

// ShowStep writes the text that the prompts of this lab's shells show before each command. Shells that are open already
// show it with their next prompt.
func (e Environment) ShowStep() error {
	return e.write(map[string]string{"prompt": e.Lab + "/" + e.Step + "\n"})
}

func (e Environment) promptFile() string { return filepath.Join(e.Dir, "prompt") }

// write writes files into Dir.
func (e Environment) write(files map[string]string) error {
	if err := os.MkdirAll(e.Dir, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(e.Dir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// startUp writes the start-up files of the shell of that name and returns the arguments and variables that make it read
// them.
func (e Environment) startUp(shell string, env []string) (args, more []string, err error) {
	switch shell {
	case "bash":
		err = e.write(map[string]string{"bashrc": e.bashrc()})
		return []string{"--rcfile", filepath.Join(e.Dir, "bashrc"), "-i"}, nil, err
	case "zsh":
		own := Getenv(env, "ZDOTDIR")
		if own == "" {
			own = Getenv(env, "HOME")
		}
		err = e.write(map[string]string{".zshenv": e.zshenv(own), ".zshrc": e.zshrc(own)})
		return []string{"-i"}, []string{"ZDOTDIR=" + e.Dir}, err
	case "fish":
		err = e.write(map[string]string{"config.fish": e.fishConfig()})
		return []string{"-C", "source " + quoteFish(filepath.Join(e.Dir, "config.fish"))}, nil, err
	case "pwsh", "powershell":
		err = e.write(map[string]string{"profile.ps1": e.profile()})
		return []string{"-NoExit", "-Command", ". " + quotePowerShell(filepath.Join(e.Dir, "profile.ps1"))}, nil, err
	default:
		err = e.write(map[string]string{"shrc": e.shrc()})
		return []string{"-i"}, []string{"ENV=" + filepath.Join(e.Dir, "shrc")}, err
	}
}

// set returns the lines that set all of the lab's variables.
func (e Environment) set(d Dialect) string { return e.vars(d) + pathLine(d, e.front()...) }

func (e Environment) bashrc() string {
	return `[ -f ~/.bashrc ] && . ~/.bashrc
` + e.set(POSIX) + `__k8slab_prompt() {
  local status=$? mark
  mark="[$(cat ` + shellescape.Quote(e.promptFile()) + ` 2>/dev/null)] "
  PS1="${PS1#"$__k8slab_mark"}"
  PS1="$mark$PS1"
  __k8slab_mark=$mark
  return $status
}
PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND
}__k8slab_prompt"
`
}

// zshenv and zshrc read the user's own files in the folder own first. zsh has to find this lab's folder again after the
// user's .zshenv, so zshenv sets it back.
func (e Environment) zshenv(own string) string {
	return "ZDOTDIR=" + shellescape.Quote(own) + "\n[ -f \"$ZDOTDIR/.zshenv\" ] && . \"$ZDOTDIR/.zshenv\"\nZDOTDIR=" + shellescape.Quote(e.Dir) + "\n"
}

func (e Environment) zshrc(own string) string {
	return "ZDOTDIR=" + shellescape.Quote(own) + "\n[ -f \"$ZDOTDIR/.zshrc\" ] && . \"$ZDOTDIR/.zshrc\"\n" + e.set(POSIX) + `__k8slab_prompt() {
  local mark
  mark="[$(cat ` + shellescape.Quote(e.promptFile()) + ` 2>/dev/null)] "
  PS1="$mark${PS1#"$__k8slab_mark"}"
  __k8slab_mark=$mark
}
typeset -ga precmd_functions
precmd_functions+=(__k8slab_prompt)
`
}

func (e Environment) fishConfig() string {
	return e.set(Fish) + `functions -q fish_prompt; and functions -c fish_prompt __k8slab_own_prompt
function fish_prompt
  set -l last $status
  echo -n '['(cat ` + quoteFish(e.promptFile()) + `)'] '
  functions -q __k8slab_own_prompt; and begin; test $last -eq 0; __k8slab_own_prompt; end
end
`
}

// profile is read after the user's own profile, so it keeps the prompt that is there.
func (e Environment) profile() string {
	return e.set(PowerShell) + `$global:__k8slab_own_prompt = $function:prompt
function global:prompt { "[$(Get-Content -ErrorAction Ignore ` + quotePowerShell(e.promptFile()) + `)] " + (& $global:__k8slab_own_prompt) }
`
}

// shrc sets the prompt once: not every POSIX shell runs a command in its prompt.
func (e Environment) shrc() string {
	shown, _ := os.ReadFile(e.promptFile())
	return e.set(POSIX) + "PS1=" + shellescape.Quote("["+strings.TrimSpace(string(shown))+"] $ ") + "\n"
}
