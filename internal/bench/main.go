// Command bench measures k8slab with the built executables. It has five parts, each with flags of its own:
//
//	bench           what the design promises, in one run and as ratios to etcd and an API server alone (`make bench`)
//	bench clusters  the same lab on the embedded cluster and on kind: time and memory (`make bench-kind`)
//	bench history   what the record of a cluster costs, and how large it grows (`make bench-history`)
//	bench scale     many nodes and pods on one cluster (`make bench-scale`)
//	bench soak      one cluster for a long time, with everything done to it that a lab does (`make soak`)
//
// It fails where something does not work, and where a soak leaves the cluster worse than it was. A budget that is missed is said, and
// is no failure: it depends on the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	part := "budgets"
	if len(args) > 0 && args[0][0] != '-' {
		part, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("bench "+part, flag.ExitOnError)
	bin := flags.String("bin", "bin", "folder of the executables")
	switch part {
	case "budgets":
		rounds := flags.Int("rounds", 5, "how often each thing is measured")
		lab := flags.String("lab", "11-maintenance", "lab to start")
		settle := flags.Duration("settle", 20*time.Second, "how long the cluster idles before its memory is measured")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return budgets(ctx, *bin, *lab, *rounds, *settle)
	case "clusters":
		rounds := flags.Int("rounds", 3, "how often each thing is measured")
		lab := flags.String("lab", "11-maintenance", "lab to start")
		kinds := flags.String("kinds", "embedded,kind", "kinds of cluster, the first of which the others are compared with")
		settle := flags.Duration("settle", 20*time.Second, "how long the cluster idles before its memory is measured")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return sideBySide(ctx, *bin, *lab, strings.Split(*kinds, ","), *rounds, *settle)
	case "history":
		rounds := flags.Int("rounds", 3, "how often each thing is measured")
		lab := flags.String("lab", "11-maintenance", "lab to start")
		settle := flags.Duration("settle", 20*time.Second, "how long the cluster idles before its memory is measured")
		busy := flags.Duration("busy", time.Minute, "how long the cluster is kept busy")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return costOfHistory(ctx, *bin, *lab, *rounds, *settle, *busy)
	case "scale":
		nodes := flags.Int("nodes", 100, "how many nodes")
		pods := flags.Int("pods", 2000, "how many pods")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return scale(ctx, *bin, *nodes, *pods)
	case "soak":
		length := flags.Duration("for", 30*time.Minute, "how long")
		seed := flags.Uint64("seed", uint64(time.Now().UnixNano()), "what decides the order of things")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return soak(ctx, *bin, *length, *seed)
	}
	return fmt.Errorf("there is no part %q; there are budgets, clusters, history, scale and soak", part)
}
