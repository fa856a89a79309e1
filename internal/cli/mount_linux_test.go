package cli

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// inNamespace says that this process has a user namespace of its own.
const inNamespace = "K8SLAB_TEST_IN_NAMESPACE"

// TestFullAndReadOnlyFileSystems types sessions of a learner whose state is on a file system that is full or read-only.
// Only root may mount one; anybody else is root in a user namespace of their own (user_namespaces(7)), in which this
// test runs again. macOS has neither; there the file is not compiled.
func TestFullAndReadOnlyFileSystems(t *testing.T) {
	if err := tryMount(t); err == nil {
		typeSessions(t, "mounts")
		return
	} else if os.Getenv(inNamespace) != "" {
		t.Fatalf("a small file system has to be mounted for this, which is refused even to root of a user namespace: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("a small file system has to be mounted for this, by root or in a user namespace, which a distribution may forbid "+
			"(sysctl kernel.apparmor_restrict_unprivileged_userns): %v\n%s", err, out)
	}
}

// tryMount says why this user may not mount a file system.
func tryMount(t *testing.T) error {
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir).Run(); err != nil {
		return err
	}
	return exec.Command("umount", dir).Run()
}
