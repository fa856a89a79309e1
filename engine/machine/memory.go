// Package machine says what the machine that k8slab runs on can give. It must not know what the machine is asked for.
package machine

import (
	"github.com/prometheus/procfs"
)

// Proc is where Linux has its proc file system.
const Proc = procfs.DefaultMountPoint

// AvailableMemory returns what the kernel could give away now, in bytes: MemAvailable of proc_meminfo(5). ok is false
// if the system does not say, as on macOS.
func AvailableMemory(proc string) (bytes uint64, ok bool) {
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return 0, false
	}
	info, err := fs.Meminfo()
	if err != nil || info.MemAvailableBytes == nil {
		return 0, false
	}
	return *info.MemAvailableBytes, true
}
