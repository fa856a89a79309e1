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
	case "library":
		rounds := flags.Int("rounds", 40, "how often each thing is measured")
		labs := flags.String("labs", "labs", "folder of the lab that is copied")
		lab := flags.String("lab", "11-maintenance", "lab to start")
		if err := flags.Parse(args); err != nil {
			return err
		}
		return costOfLibrary(ctx, *bin, *labs, *lab, *rounds)
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
	return fmt.Errorf("there is no part %q; there are budgets, clusters, history, library, scale and soak", part)
}
