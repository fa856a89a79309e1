// Package flock locks files between processes. The kernel drops a lock when its process ends, however it ends, so
// there are no stale ones.
package flock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// pollInterval is how often a lock that is held by another process is tried again.
const pollInterval = 20 * time.Millisecond

// Try takes the lock file at once or not at all. It creates a missing file (0600) and its folder (0700).
func Try(path string) (release func(), ok bool, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, false, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case err == nil:
		return func() { f.Close() }, true, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		f.Close()
		return nil, false, nil
	default:
		f.Close()
		return nil, false, err
	}
}

// Held reports whether somebody holds the lock. Nobody holds one whose file is missing, which is not made.
func Held(path string) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	release, ok, err := Try(path)
	if ok {
		release()
	}
	return err == nil && !ok, err
}

// Wait takes the lock, waiting until ctx ends.
func Wait(ctx context.Context, path string) (release func(), err error) {
	for {
		release, ok, err := Try(path)
		if err != nil || ok {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollInterval):
		}
	}
}
