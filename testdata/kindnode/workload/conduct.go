package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// conduct is how the workload behaves; the names are those of the labs' SimulatedWorkload.
type conduct struct {
	host string
	// stopAfter is how long the workload takes to end after SIGTERM, and stopExitCode its exit code then.
	stopAfter    time.Duration
	stopExitCode int
	// ignoresSIGTERM says that only SIGKILL ends it.
	ignoresSIGTERM bool
	// startDelay is how long after the start nobody gets an answer.
	startDelay time.Duration
	// startsReady is what the readiness probe finds until somebody switches it.
	startsReady bool
	// logEvery is the time between lines of log; zero means that only requests are logged.
	logEvery time.Duration
	// cpu is how much of a processor it burns, as a fraction of one.
	cpu float64
}

// conductFrom reads the environment:
//
//	STOP_AFTER=40s  STOP_EXIT_CODE=0  IGNORES_SIGTERM=true  START_DELAY=3s
//	READY=never  READY_ORDINALS=0,1  LOG_EVERY=5s  CPU=200m
//
// READY_ORDINALS are the pods of a StatefulSet that become ready, by the number at the end of their name.
func conductFrom(getenv func(string) string, hostname func() (string, error)) (conduct, error) {
	host, err := hostname()
	if err != nil {
		return conduct{}, err
	}
	c := conduct{host: host, startsReady: getenv("READY") != "never", ignoresSIGTERM: getenv("IGNORES_SIGTERM") == "true"}
	if ordinals := getenv("READY_ORDINALS"); ordinals != "" {
		_, ordinal, _ := cutLast(host, "-")
		c.startsReady = slices.Contains(strings.Split(ordinals, ","), ordinal)
	}
	for name, to := range map[string]*time.Duration{"STOP_AFTER": &c.stopAfter, "START_DELAY": &c.startDelay, "LOG_EVERY": &c.logEvery} {
		if value := getenv(name); value != "" {
			if *to, err = time.ParseDuration(value); err != nil {
				return conduct{}, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if value := getenv("STOP_EXIT_CODE"); value != "" {
		if c.stopExitCode, err = strconv.Atoi(value); err != nil {
			return conduct{}, fmt.Errorf("STOP_EXIT_CODE: %w", err)
		}
	}
	if value := getenv("CPU"); value != "" {
		if c.cpu, err = processors(value); err != nil {
			return conduct{}, fmt.Errorf("CPU: %w", err)
		}
	}
	return c, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// processors reads "200m" or "0.2".
func processors(quantity string) (float64, error) {
	if milli, ok := strings.CutSuffix(quantity, "m"); ok {
		n, err := strconv.ParseFloat(milli, 64)
		return n / 1000, err
	}
	return strconv.ParseFloat(quantity, 64)
}
