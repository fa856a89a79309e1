package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// sideBySide starts the lab on each kind of cluster in turn, so that other work of the machine falls on all kinds, and
// measures time and memory. Node images are on the machine already, as they are from the second start on.
func sideBySide(ctx context.Context, bin, lab string, kinds []string, rounds int, settle time.Duration) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	type figures struct{ start, reset, memory sample }
	all := map[string]*figures{}
	for range rounds {
		for _, kind := range kinds {
			to := all[kind]
			if to == nil {
				to = &figures{}
				all[kind] = to
			}
			err := onCluster(ctx, bin, lab, kind, func(c cli, took time.Duration) error {
				to.start.add(took)
				if err := c.time(ctx, &to.reset, "reset"); err != nil {
					return err
				}
				if err := pause(ctx, settle); err != nil {
					return err
				}
				memory, err := memoryOf(ctx, c)
				to.memory = append(to.memory, memory)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	first := all[kinds[0]]
	fmt.Printf("%s, %d rounds, medians; memory is the sum of PSS after %v idle\n\n%-12s %22s %22s %22s\n", lab, rounds, settle, "", "start", "reset", "memory")
	for _, kind := range kinds {
		f := all[kind]
		cell := func(of, base sample, unit string) string {
			return fmt.Sprintf("%8.0f %s %7.1f x", of.median(), unit, of.median()/base.median())
		}
		fmt.Printf("%-12s %22s %22s %22s\n", kind, cell(f.start, first.start, "ms"), cell(f.reset, first.reset, "ms"), cell(f.memory, first.memory, "MB"))
	}
	return nil
}

// onCluster starts the lab on a cluster of the kind, calls do, and deletes the cluster.
func onCluster(ctx context.Context, bin, lab, kind string, do func(c cli, took time.Duration) error) (err error) {
	state, err := os.MkdirTemp("", "k8slab-budgets-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	c := cli{path: filepath.Join(bin, "k8slab"), state: state}
	defer func() {
		_, failed := c.run(context.WithoutCancel(ctx), "delete", "--lab", lab)
		err = errors.Join(err, failed)
	}()
	began := time.Now()
	if _, err := c.run(ctx, "start", lab, "--cluster", kind); err != nil {
		return err
	}
	return do(c, time.Since(began))
}

// containerID is how an engine calls a container in the names of control groups.
var containerID = regexp.MustCompile(`[0-9a-f]{64}`)

// memoryOf returns the memory of the cluster in MB: that of the processes that name its folder, and of all processes in
// its containers.
func memoryOf(ctx context.Context, c cli) (float64, error) {
	processes, err := processesOf(c.state)
	if err != nil {
		return 0, err
	}
	out, err := c.run(ctx, "cluster", "status", "-o", "json")
	if err != nil {
		return 0, err
	}
	var status struct {
		Components []struct {
			PID int `json:"pid"`
		} `json:"components"`
	}
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		return 0, err
	}
	containers := map[string]bool{}
	for _, component := range status.Components {
		groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", component.PID))
		if err != nil {
			return 0, err
		}
		if id := containerID.Find(groups); id != nil {
			containers[string(id)] = true
		}
	}
	if len(containers) > 0 {
		if err := addContained(processes, containers); err != nil {
			return 0, err
		}
	}
	return pssOf(processes)
}

// addContained adds the processes that run in the containers, however deep.
func addContained(processes map[int]string, containers map[string]bool) error {
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return err
	}
	for _, file := range files {
		groups, err := os.ReadFile(file)
		if err != nil || !containers[string(containerID.Find(groups))] {
			continue // the process has ended, or belongs to somebody else
		}
		var pid int
		if _, err := fmt.Sscanf(strings.TrimPrefix(file, "/proc/"), "%d", &pid); err != nil {
			return err
		}
		processes[pid] = ""
	}
	return nil
}
