package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/history"
)

// cost of a cluster, with or without a record of its history.
type cost struct {
	start, grade, whole sample
	memory              sample
}

// costOfHistory measures a cluster with a record and one without in turn, so that other work of the machine falls on
// both.
func costOfHistory(ctx context.Context, bin, lab string, rounds int, settle, busy time.Duration) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	var with, without cost
	var grown recordGrowth
	for round := range rounds {
		for _, side := range []struct {
			to  *cost
			env []string
		}{{&with, nil}, {&without, []string{embedded.HistoryVariable + "=off"}}} {
			grow := &grown
			if side.env != nil || round > 0 {
				grow = nil
			}
			if err := side.to.measure(ctx, bin, lab, settle, busy, side.env, grow); err != nil {
				return err
			}
		}
	}
	fmt.Printf("%d rounds, medians\n\n%-44s %12s %12s\n", rounds, "", "recorded", "not recorded")
	for _, row := range []struct {
		what, unit string
		with, not  float64
	}{
		{"start: nothing to scenario seeded", "ms", with.start.median(), without.start.median()},
		{"grading one step, p95", "ms", with.grade.quantile(0.95), without.grade.quantile(0.95)},
		{"grading one step, median", "ms", with.grade.median(), without.grade.median()},
		{"the whole command k8slab check, median", "ms", with.whole.median(), without.whole.median()},
		{"memory, sum of PSS after " + settle.String() + " idle", "MB", with.memory.median(), without.memory.median()},
	} {
		fmt.Printf("%-44s %9.0f %s %9.0f %s\n", row.what, row.with, row.unit, row.not, row.unit)
	}
	hour := float64(grown.bytes) / grown.took.Hours() / (1 << 20)
	ratio := float64(grown.plain) / float64(grown.compressed)
	fmt.Printf("\n%d rollouts of ten pods and %d drains in %v: %d KiB of record, which is %.1f MiB an hour.\n"+
		"Full files are compressed, here to 1/%.0f: %.1f MiB in 24 hours, of a bound of 64 MiB\n",
		grown.rollouts, grown.drains, grown.took.Round(time.Second), grown.bytes>>10, hour, ratio, 24*hour/ratio)
	return nil
}

func (m *cost) measure(ctx context.Context, bin, lab string, settle, busy time.Duration, env []string, grow *recordGrowth) error {
	state, err := os.MkdirTemp("", "k8slab-budgets-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	c := cli{path: filepath.Join(bin, "k8slab"), state: state, env: env}
	defer func() {
		if _, err := c.run(context.WithoutCancel(ctx), "delete", "--lab", lab); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}()
	if err := c.time(ctx, &m.start, "start", lab); err != nil {
		return err
	}
	if err := pause(ctx, reading); err != nil {
		return err
	}
	for range 10 {
		if err := c.grade(ctx, &m.whole, &m.grade); err != nil {
			return err
		}
	}
	if err := pause(ctx, settle); err != nil {
		return err
	}
	memory, err := pss(state)
	if err != nil {
		return err
	}
	m.memory = append(m.memory, memory)
	if grow == nil {
		return nil
	}
	return grow.keepBusy(ctx, c, filepath.Join(state, "k8slab", "clusters", lab, "history"), busy)
}

// recordGrowth of a record under load.
type recordGrowth struct {
	rollouts, drains int
	bytes            int64
	took             time.Duration
	// plain is the size of the whole record, and compressed what is left of it once its files are full.
	plain, compressed int64
}

// keepBusy rolls a Deployment of ten pods out every few seconds and drains a node in between, which is more than a
// person does.
func (g *recordGrowth) keepBusy(ctx context.Context, c cli, dir string, busy time.Duration) error {
	kubectl := func(args ...string) error {
		_, err := c.run(ctx, append([]string{"kubectl"}, args...)...)
		return err
	}
	if err := kubectl("create", "deployment", "busy", "--image=registry.test/busy:1", "--replicas=10"); err != nil {
		return err
	}
	if err := kubectl("rollout", "status", "deployment/busy", "--timeout=120s"); err != nil {
		return err
	}
	before, err := sizeOf(dir)
	if err != nil {
		return err
	}
	began := time.Now()
	for time.Since(began) < busy {
		if err := kubectl("rollout", "restart", "deployment/busy"); err != nil {
			return err
		}
		if err := kubectl("rollout", "status", "deployment/busy", "--timeout=120s"); err != nil {
			return err
		}
		g.rollouts++
		if g.rollouts%5 == 0 {
			if err := kubectl("drain", "worker-1", "--ignore-daemonsets", "--force", "--delete-emptydir-data", "--timeout=120s"); err != nil {
				return err
			}
			if err := kubectl("uncordon", "worker-1"); err != nil {
				return err
			}
			g.drains++
		}
		if err := pause(ctx, 5*time.Second); err != nil {
			return err
		}
	}
	g.took = time.Since(began)
	after, err := sizeOf(dir)
	if err != nil {
		return err
	}
	g.bytes, g.plain = after-before, after
	g.compressed, err = compressedSizeOf(dir)
	return err
}

func compressedSizeOf(dir string) (int64, error) {
	paths, err := history.Segments(dir)
	if err != nil {
		return 0, err
	}
	var out counter
	zip := gzip.NewWriter(&out)
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		if _, err := zip.Write(raw); err != nil {
			return 0, err
		}
	}
	err = zip.Close()
	return int64(out), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

func sizeOf(dir string) (int64, error) {
	var size int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
