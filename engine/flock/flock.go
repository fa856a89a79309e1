// Package flock locks files between processes, with github.com/gofrs/flock (flock(2)). The kernel drops a lock when its
// process ends, however it ends, so there are no stale locks. A child process does not inherit a lock: the lock's file
// is closed on exec.
//
// It must not know what a lock protects. Try, Wait and Held are for files that are nothing but locks; Exclusive and
// Shared are for files that have a content of their own.
package flock

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// pollInterval is how often Wait tries again to take a lock that another process holds.
const pollInterval = 20 * time.Millisecond

// Try takes the lock, or reports false at once if another process holds it. It creates a missing file (0600) and its
// folder (0700).
func Try(path string) (release func(), ok bool, err error) {
	lock, err := inFolder(path)
	if err != nil {
		return nil, false, err
	}
	if ok, err = lock.TryLock(); err != nil || !ok {
		return nil, false, err
	}
	return releaseOf(lock), true, nil
}

// Wait takes the lock as Try does, but waits for it until ctx ends. It takes a free lock even if ctx has ended.
func Wait(ctx context.Context, path string) (release func(), err error) {
	lock, err := inFolder(path)
	if err != nil {
		return nil, err
	}
	ok, err := lock.TryLock()
	if err == nil && !ok {
		_, err = lock.TryLockContext(ctx, pollInterval)
	}
	if err != nil {
		return nil, err
	}
	return releaseOf(lock), nil
}

// Held reports whether somebody holds the lock. Nobody holds a lock whose file is missing; Held does not make the file.
// While it looks it holds a shared lock, which other calls of Held do not mistake for a holder.
func Held(path string) (bool, error) {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if free {
		releaseOf(lock)()
	}
	return err == nil && !free, err
}

// Exclusive locks a file that has a content of its own, and waits as long as others hold the lock. It creates a missing
// file (0600).
func Exclusive(path string) (release func(), err error) {
	lock := writable(path)
	if err := uninterrupted(lock.Lock); err != nil {
		return nil, err
	}
	return releaseOf(lock), nil
}

// Shared waits until nobody holds the file's Exclusive lock, and keeps others from taking that lock until release. The
// file must exist.
func Shared(path string) (release func(), err error) {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY))
	if err := uninterrupted(lock.RLock); err != nil {
		return nil, err
	}
	return releaseOf(lock), nil
}

func inFolder(path string) (*flock.Flock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return writable(path), nil
}

// writable opens the file for writing, without which NFS grants no exclusive lock.
func writable(path string) *flock.Flock {
	return flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
}

// uninterrupted calls lock again after a signal. flock(2) restarts by itself, but not on every file system
// (as cmd/go has it in internal/lockedfile/internal/filelock).
func uninterrupted(lock func() error) error {
	for {
		if err := lock(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// releaseOf unlocks before it closes: a child between fork and exec has a copy of the file, which closing alone would
// leave locked for that moment.
func releaseOf(lock *flock.Flock) func() { return func() { _ = lock.Unlock() } }
