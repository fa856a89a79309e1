package machine

import "github.com/prometheus/procfs"

// ProcessorTime is what the processors have spent since the machine was started, in seconds of one processor.
type ProcessorTime struct {
	// Idle is the part of All in which there was nothing to do, or nothing but to wait for a disk.
	Idle, All float64
}

// Processors returns the time of all processors together, from stat of proc(5). It is false where the system does not
// say, as on macOS.
func Processors(proc string) (spent ProcessorTime, ok bool) {
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return ProcessorTime{}, false
	}
	stat, err := fs.Stat()
	if err != nil {
		return ProcessorTime{}, false
	}
	total := stat.CPUTotal // Guest and GuestNice are in User and Nice already
	idle := total.Idle + total.Iowait
	all := idle + total.User + total.Nice + total.System + total.IRQ + total.SoftIRQ + total.Steal
	return ProcessorTime{Idle: idle, All: all}, all > 0
}
