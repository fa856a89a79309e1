package shell

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/k8slab/k8slab/text"
)

// The variables of a lab's shell, besides PATH.
const (
	kubeconfigVariable = "KUBECONFIG"
	labVariable        = "K8SLAB_LAB"
	langVariable       = "K8SLAB_LANG"
)

// Environment is what a shell needs to work on a lab's cluster.
type Environment struct {
	Lab string
	// Step at which the lab is. Only the prompt shows it.
	Step       string
	Kubeconfig string
	// Bin is the folder with the kubectl that fits the cluster; empty if the machine's own kubectl is used.
	Bin string
	// Self is the folder of k8slab; empty if PATH leads to it already.
	Self string
	// Lang is the language of k8slab in the shell; empty leaves the choice to the variables that the shell inherits.
	Lang text.Lang
	// Dir holds the prompt's text and the start-up files of this lab's shells. All of them share it, and it outlives
	// them.
	Dir string
}

// Vars returns the variables of base, with the lab's variables in place of those of the same names.
func (e Environment) Vars(base []string) []string {
	set := map[string]string{kubeconfigVariable: e.Kubeconfig, labVariable: e.Lab, "PATH": joinPath(append(e.front(), Getenv(base, "PATH"))...)}
	names := []string{kubeconfigVariable, labVariable, "PATH"}
	if e.Lang != "" {
		set[langVariable] = string(e.Lang)
		names = append(names, langVariable)
	}
	vars := make([]string, 0, len(base)+len(names))
	for _, v := range base {
		name, _, _ := strings.Cut(v, "=")
		if _, replaced := set[name]; !replaced {
			vars = append(vars, v)
		}
	}
	for _, name := range names {
		vars = append(vars, name+"="+set[name])
	}
	return vars
}

// front returns the folders that come first on PATH.
func (e Environment) front() []string { return []string{e.Bin, e.Self} }

// Kubectl returns the path of the kubectl that the shell would run, or exec.ErrNotFound if there is none.
func (e Environment) Kubectl(base []string) (string, error) {
	if e.Bin != "" {
		return filepath.Join(e.Bin, "kubectl"), nil
	}
	return LookPath("kubectl", Getenv(base, "PATH"))
}

// SelfDir returns the folder of this program if PATH leads to no k8slab, so that "k8slab check" works in the shell as
// lessons write it. It is empty if PATH leads to one, or if this program has another name.
func SelfDir(base []string) string {
	for _, dir := range filepath.SplitList(Getenv(base, "PATH")) {
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

// LookPath returns the executable of that name in the folders of path, which is written as the variable PATH is.
func LookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", exec.ErrNotFound
}

// Getenv returns the value of a variable among vars, or "". As for a process, the last one counts.
func Getenv(vars []string, name string) string {
	for i := len(vars) - 1; i >= 0; i-- {
		if value, ok := strings.CutPrefix(vars[i], name+"="); ok {
			return value
		}
	}
	return ""
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
