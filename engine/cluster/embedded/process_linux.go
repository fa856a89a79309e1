package embedded

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// childAttributes put a component into a process group of its own, so that a Ctrl-C at the terminal does not reach it,
// and let the kernel end it with the supervisor.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// commandLine returns the arguments of a running process, separated by spaces, or "" if there is none.
func commandLine(pid int) string {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(string(raw), "\x00", " ")
}
