package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cli runs k8slab with a state folder of its own.
type cli struct {
	path, state string
	// env holds variables that are set for the command besides those of this process.
	env []string
}

func (c cli) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Env = slices.Concat(os.Environ(), []string{"XDG_STATE_HOME=" + c.state, "K8SLAB_LANG=en"}, c.env)
	out, err := cmd.Output()
	if exit, ok := asExit(err); ok {
		err = fmt.Errorf("k8slab %v: %w\n%s", args, err, exit.Stderr)
	}
	return string(out), err
}

// time runs the command and adds its wall time to the sample, if there is one.
func (c cli) time(ctx context.Context, to *sample, args ...string) error {
	began := time.Now()
	_, err := c.run(ctx, args...)
	if to != nil {
		to.add(time.Since(began))
	}
	return err
}

// grade runs `k8slab check`. Its exit code is 3, because no task has been done.
func (c cli) grade(ctx context.Context, whole, checks *sample) error {
	began := time.Now()
	out, err := c.run(ctx, "check", "-o", "json")
	whole.add(time.Since(began))
	var report struct {
		Elapsed time.Duration `json:"elapsedNs"`
	}
	if jsonErr := json.Unmarshal([]byte(out), &report); jsonErr != nil {
		return cmp.Or(err, jsonErr)
	}
	checks.add(report.Elapsed)
	return nil
}

func asExit(err error) (*exec.ExitError, bool) { return errors.AsType[*exec.ExitError](err) }

// processesOf returns the command lines of the processes that name the folder in their arguments.
func processesOf(dir string) (map[int]string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	found := map[int]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(raw), dir) {
			continue // the process has ended, or belongs to somebody else
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return nil, err
		}
		found[pid] = string(raw)
	}
	return found, nil
}

// pss returns the sum of the proportional set sizes of the folder's processes, in MB.
func pss(dir string) (float64, error) {
	processes, err := processesOf(dir)
	if err != nil {
		return 0, err
	}
	return pssOf(processes)
}

func pssOf(processes map[int]string) (float64, error) {
	var kb float64
	for pid := range processes {
		rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		for l := range strings.Lines(string(rollup)) {
			if fields := strings.Fields(l); len(fields) > 1 && fields[0] == "Pss:" {
				n, err := strconv.ParseFloat(fields[1], 64)
				if err != nil {
					return 0, err
				}
				kb += n
			}
		}
	}
	return kb / 1024, nil
}
