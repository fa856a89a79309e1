package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// reading is the least time that a learner reads before the first check. By then the controllers have come to rest.
const reading = 3 * time.Second

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sample holds the measurements of one thing, in milliseconds.
type sample []float64

func (s *sample) add(d time.Duration) { *s = append(*s, float64(d.Microseconds())/1000) }

func (s sample) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func (s sample) median() float64 { return s.quantile(0.5) }

// budgets measures what the design promises, as ratios to what etcd and an API server alone take on the same machine.
func budgets(ctx context.Context, bin, lab string, rounds int, settle time.Duration) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	controlPlane, err := newest(bin)
	if err != nil {
		return err
	}
	var bare, bareAPI, start, restart, reset, discard, grade, own, help sample
	var memory float64
	for range rounds {
		whole, api, err := bareTimes(ctx, controlPlane)
		if err != nil {
			return fmt.Errorf("bare etcd and API server: %w", err)
		}
		bare.add(whole)
		bareAPI.add(api)
		state, err := os.MkdirTemp("", "k8slab-budgets-")
		if err != nil {
			return err
		}
		c := cli{path: filepath.Join(bin, "k8slab"), state: state}
		err = func() error {
			defer func() {
				if err := c.time(context.WithoutCancel(ctx), &discard, "delete", "--lab", lab); err != nil {
					fmt.Fprintln(os.Stderr, "budgets:", err)
				}
			}()
			if err := c.time(ctx, &start, "start", lab); err != nil {
				return err
			}
			if err := pause(ctx, reading); err != nil {
				return err
			}
			for range 10 {
				if err := c.grade(ctx, &grade, &own); err != nil {
					return err
				}
				if err := c.time(ctx, &help, "--help"); err != nil {
					return err
				}
			}
			for range 3 {
				if err := c.time(ctx, &reset, "reset"); err != nil {
					return err
				}
			}
			if memory == 0 {
				if err := pause(ctx, settle); err != nil {
					return err
				}
				if memory, err = pss(state); err != nil {
					return err
				}
			}
			if err := c.time(ctx, nil, "stop", "--lab", lab); err != nil {
				return err
			}
			return c.time(ctx, &restart, "start", lab)
		}()
		if err != nil {
			return err
		}
		if err := os.RemoveAll(state); err != nil {
			return err
		}
	}
	base := bare.median()
	fmt.Printf("%d rounds, medians; the bare control plane is etcd and kube-apiserver alone, with no flags beyond the needed\n\n", rounds)
	row := func(what, value string, measured, budget float64, unit string) {
		verdict := "within"
		if measured > budget {
			verdict = fmt.Sprintf("MISSED by %.0f %%", 100*(measured/budget-1))
		}
		fmt.Printf("%-52s %10s   %7.2f of %7.2f %-8s %s\n", what, value, measured, budget, unit, verdict)
	}
	ms := func(v float64) string { return fmt.Sprintf("%.0f ms", v) }
	fmt.Printf("%-52s %10s\n", "bare etcd + kube-apiserver to /readyz", ms(base))
	row("start: nothing to nodes Ready, scenario seeded", ms(start.median()), start.median()/base, 1.5, "x bare")
	row("start after stop", ms(restart.median()), restart.median()/base, 1.2, "x bare")
	fmt.Printf("%-52s %10s\n", "bare kube-apiserver to /readyz, on its data", ms(bareAPI.median()))
	row("reset of a step", ms(reset.median()), reset.median()/bareAPI.median(), 1, "x bare")
	fmt.Printf("%-52s %10s\n", "the same on a new cluster: delete and start", ms(discard.median()+start.median()))
	row("grading one step, checks with round trips, p95", ms(own.quantile(0.95)), own.quantile(0.95), 50, "ms")
	fmt.Printf("%-52s %10s\n", "the whole command k8slab check, median", ms(grade.median()))
	row("k8slab --help", ms(help.median()), help.median(), 50, "ms")
	row("memory, sum of PSS after "+settle.String()+" idle", fmt.Sprintf("%.0f MB", memory), memory, 400, "MB")
	return nil
}

func newest(bin string) (string, error) {
	found, err := filepath.Glob(filepath.Join(bin, "k8slab-controlplane-v1.37.*"))
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("no control plane in %s: run `make build`", bin)
	}
	return found[len(found)-1], nil
}
