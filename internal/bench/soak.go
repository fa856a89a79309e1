package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	soakLab = "11-maintenance"
	// warmUp is the time after which memory may hardly grow any more, and growth the factor by which it may.
	warmUp, growth = 5 * time.Minute, 1.1
	// sampleEvery is the time between two measurements of memory.
	sampleEvery = 30 * time.Second
)

// soaking is one cluster with everything done to it that a lab does.
type soaking struct {
	cli
	random *rand.Rand
	// did counts what must be in the journal at the end.
	did map[string]int
	// killed is the command line of the process that was killed last.
	killed string
}

// act is one thing that is done to the cluster. An error of do is a failure of k8slab.
type act struct {
	name string
	do   func(*soaking, context.Context) error
}

var acts = [...]act{
	{"drain", (*soaking).drain},
	{"reboot", (*soaking).reboot},
	{"kill", (*soaking).kill},
	{"reset", (*soaking).reset},
	{"goto", (*soaking).goTo},
	{"check", (*soaking).check},
}

// soak does random things to one cluster for that long, and then wants the cluster to be as good as new.
func soak(ctx context.Context, bin string, length time.Duration, seed uint64) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	state, err := os.MkdirTemp("", "k8slab-soak-")
	if err != nil {
		return err
	}
	s := &soaking{cli: cli{path: filepath.Join(bin, "k8slab"), state: state}, random: rand.New(rand.NewPCG(seed, 0)), did: map[string]int{}}
	fmt.Printf("soak of %v, seed %d\n", length, seed)
	if err := s.whole(ctx, length); err != nil {
		return fmt.Errorf("%w\nthe cluster is left as it is: XDG_STATE_HOME=%s", err, state)
	}
	if _, err := s.run(ctx, "delete", "--lab", soakLab); err != nil {
		return err
	}
	return os.RemoveAll(state)
}

func (s *soaking) whole(ctx context.Context, length time.Duration) error {
	if _, err := s.run(ctx, "start", soakLab); err != nil {
		return err
	}
	s.did["entered"]++
	before, after, err := s.soak(ctx, length)
	if err != nil {
		return err
	}
	return s.judge(ctx, before, after)
}

// soak returns the memory in the first minutes after the warm-up, and in the last minutes.
func (s *soaking) soak(ctx context.Context, length time.Duration) (before, after sample, err error) {
	began, sampled := time.Now(), time.Now()
	counts := map[string]int{}
	for time.Since(began) < length {
		one := acts[s.random.IntN(len(acts))]
		counts[one.name]++
		if err := one.do(s, ctx); err != nil {
			return nil, nil, fmt.Errorf("after %v, %s: %w", time.Since(began).Round(time.Second), one.name, err)
		}
		if time.Since(sampled) < sampleEvery {
			continue
		}
		sampled = time.Now()
		memory, err := pss(s.state)
		if err != nil {
			continue // a process ended during the measurement
		}
		fmt.Printf("%8v  %4.0f MB  %v\n", time.Since(began).Round(time.Second), memory, counts)
		switch age := time.Since(began); {
		case age < min(warmUp, length/3):
		case age < length/2:
			before = append(before, memory)
		default:
			after = append(after, memory)
		}
	}
	return before, after, nil
}

func (s *soaking) judge(ctx context.Context, before, after sample) error {
	if _, err := s.run(ctx, "reset"); err != nil {
		return err
	}
	s.did["reset"]++
	out, err := s.run(ctx, "node", "list", "-o", "json")
	if err != nil {
		return err
	}
	var nodes []struct {
		Name  string
		Ready bool
	}
	if err := json.Unmarshal([]byte(out), &nodes); err != nil {
		return err
	}
	for _, n := range nodes {
		if !n.Ready {
			return fmt.Errorf("%s is not Ready at the end", n.Name)
		}
	}
	raw, err := os.ReadFile(filepath.Join(s.state, "k8slab", "journal.jsonl"))
	if err != nil {
		return err
	}
	for kind, n := range s.did {
		if got := strings.Count(string(raw), `"kind":"`+kind+`"`); got != n {
			return fmt.Errorf("the journal holds %d events of the kind %s, and %d were done", got, kind, n)
		}
	}
	fmt.Printf("all %d nodes are Ready; the journal holds what was done: %v\n", len(nodes), s.did)
	if len(before) == 0 || len(after) == 0 {
		return fmt.Errorf("it was too short to tell how memory grows")
	}
	fmt.Printf("memory: median %.0f MB in the first half after the warm-up, %.0f MB in the second\n", before.median(), after.median())
	if after.median() > growth*before.median() {
		return fmt.Errorf("memory has grown by more than a tenth")
	}
	return nil
}

func (s *soaking) node() string { return fmt.Sprintf("worker-%d", s.random.IntN(4)+1) }

// drain may be refused by the step's disruption budget, whose purpose that is.
func (s *soaking) drain(ctx context.Context) error {
	node := s.node()
	_, drained := s.run(ctx, "kubectl", "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=5s")
	if _, err := s.run(ctx, "kubectl", "uncordon", node); err != nil {
		return fmt.Errorf("%w (drain before it: %v)", err, drained)
	}
	return nil
}

func (s *soaking) reboot(ctx context.Context) error {
	_, err := s.run(ctx, "node", "reboot", s.node())
	return err
}

// kill kills the supervisor or a component, and wants the next command to find all well.
func (s *soaking) kill(ctx context.Context) error {
	processes, err := processesOf(s.state)
	if err != nil {
		return err
	}
	if len(processes) == 0 {
		return fmt.Errorf("no process of the cluster runs")
	}
	pids := make([]int, 0, len(processes))
	for pid := range processes {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	victim := pids[s.random.IntN(len(pids))]
	s.killed = fmt.Sprintf("%.60s", strings.ReplaceAll(processes[victim], "\x00", " "))
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		return err
	}
	if _, err = s.run(ctx, "start", soakLab); err != nil {
		return fmt.Errorf("after the end of %s: %w", s.killed, err)
	}
	return nil
}

func (s *soaking) reset(ctx context.Context) error {
	_, err := s.run(ctx, "reset")
	s.did["reset"]++
	return err
}

func (s *soaking) goTo(ctx context.Context) error {
	steps := [...]string{"drain", "deadlock", "two-budgets", "unready", "graceful", "spread", "node-loss"}
	_, err := s.run(ctx, "goto", steps[s.random.IntN(len(steps))])
	s.did["entered"]++
	return err
}

// check wants the exit code of an unsolved step. Another code would say that the grader could not tell.
func (s *soaking) check(ctx context.Context) error {
	_, err := s.run(ctx, "check")
	s.did["checked"]++
	if ended, ok := asExit(err); ok && ended.ExitCode() == 3 {
		return nil
	}
	return err
}
