package embedded

import (
	"context"
	"errors"
	"os"
	"time"
)

// lookForFolder is how often the supervisor makes sure that its cluster is still there.
const lookForFolder = 2 * time.Second

// folderWatch ends the cluster with its folder.
func (s *supervisor) folderWatch() part {
	return s.background("watch the folder", s.endWithFolder)
}

// endWithFolder stops the cluster when its description has gone: somebody removed the folder, and nobody will ask for
// it again.
func (s *supervisor) endWithFolder(ctx context.Context) error {
	tick := time.NewTicker(lookForFolder)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := os.Stat(s.folder.description()); errors.Is(err, os.ErrNotExist) {
			s.log.Warn("the cluster's folder has been removed; its processes end")
			s.requestStop()
			return nil
		}
	}
}
