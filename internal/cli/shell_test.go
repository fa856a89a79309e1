package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestShellsKeepTheLabsVariablesAndPrompt runs the shells that every machine has; a start-up file of the user sets
// everything that the lab needs to something else.
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
			around := surroundings{Lab: "11-maintenance", Kubeconfig: "/state/it's/kubeconfig", Bin: "/state/bin", dir: filepath.Join(home, "it's", "shell")}
			if err := writePrompt(around.dir, "11-maintenance/drain"); err != nil {
				t.Fatal(err)
			}
			env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
			args, more, err := interactive(tt.shell, around, []string{around.Bin}, env)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(tt.shell, args...)
			cmd.Env = append(env, more...)
			cmd.Stdin = strings.NewReader(tt.command + "\nexit\n")
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(out), tt.want+"\n") {
				t.Errorf("got %q, want %q", out, tt.want)
			}
		})
	}
}
