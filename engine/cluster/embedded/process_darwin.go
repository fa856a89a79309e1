package embedded

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes put a component into a process group of its own. There is no parent-death signal here: what a killed
// supervisor leaves running is ended by the next one.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// commandLine returns the arguments of a running process, or "" if there is none.
func commandLine(pid int) string {
	out, err := exec.Command("/bin/ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
