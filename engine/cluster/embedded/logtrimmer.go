package embedded

import (
	"context"
	"errors"
	"os"
	"time"
)

const (
	// trimEvery is how often the logs are looked at; a log larger than maxLog loses all but its end.
	trimEvery = time.Minute
	maxLog    = 16 << 20
	keepLog   = 1 << 20
)

// logTrimmer keeps the logs of components that run for weeks from filling the disk.
func (s *supervisor) logTrimmer() part {
	return s.background("trim the logs", s.trimLogs)
}

// trimLogs cuts logs in place, because the components hold their log open for appending.
func (s *supervisor) trimLogs(ctx context.Context) error {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		for _, name := range componentNames {
			if err := cutLog(s.folder.logFile(name), maxLog, keepLog); err != nil {
				s.log.Warn("cut log", "component", name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// cutLog keeps the last keep bytes of a file that is larger than limit.
func cutLog(path string, limit, keep int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() <= limit {
		return err
	}
	end := make([]byte, keep)
	n, err := f.ReadAt(end, info.Size()-keep)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(end[:n], 0)
	return err
}
