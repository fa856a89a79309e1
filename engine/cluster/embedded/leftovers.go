package embedded

import (
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"syscall"
	"time"
)

// recordPIDs writes down what would be left running if the supervisor were killed.
func (s *supervisor) recordPIDs() {
	var pids []int
	for _, p := range s.components() {
		if c := p.snapshot(); c.PID != 0 {
			pids = append(pids, c.PID)
		}
	}
	slices.Sort(pids)
	if _, err := os.Stat(s.folder.description()); err != nil {
		return // nobody will read it, and a folder that was removed must not come back
	}
	if err := writeJSON(s.folder.pidFile(), pids); err != nil {
		s.log.Warn("record process ids", "error", err)
	}
}

// endLeftovers kills the components of an earlier supervisor. A process counts as one of them only if this folder's
// path is in its command line, since its id may have gone to somebody else meanwhile.
func (f folder) endLeftovers(log *slog.Logger) error {
	raw, err := os.ReadFile(f.pidFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var pids []int
	if err := json.Unmarshal(raw, &pids); err != nil {
		log.Warn("the list of process ids is damaged and is ignored", "file", f.pidFile(), "error", err)
		return nil
	}
	for _, pid := range pids {
		if !f.owns(pid) {
			continue
		}
		log.Info("ending what an earlier supervisor left", "pid", pid)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		for f.owns(pid) {
			time.Sleep(readyPoll)
		}
	}
	return nil
}
