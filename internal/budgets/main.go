// Command budgets measures what the design promises, in one run and as ratios to what the same machine needs for etcd and an
// API server alone. `make bench` runs it with the built executables.
package main

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each thing is measured")
	bin := flag.String("bin", "bin", "folder of the executables")
	lab := flag.String("lab", "11-maintenance", "lab to start")
	settle := flag.Duration("settle", 20*time.Second, "how long the cluster idles before its memory is measured")
	flag.Parse()
	if err := run(context.Background(), *bin, *lab, *rounds, *settle); err != nil {
		fmt.Fprintln(os.Stderr, "budgets:", err)
		os.Exit(1)
	}
}

// reading is how long a learner takes at the least before the first check; until then the controllers have come to rest.
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

func run(ctx context.Context, bin, lab string, rounds int, settle time.Duration) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	controlPlane, err := newest(bin)
	if err != nil {
		return err
	}
	var bare, start, restart, grade, own, help sample
	var memory float64
	for range rounds {
		d, err := bareStart(ctx, controlPlane)
		if err != nil {
			return fmt.Errorf("bare etcd and API server: %w", err)
		}
		bare.add(d)
		state, err := os.MkdirTemp("", "k8slab-budgets-")
		if err != nil {
			return err
		}
		c := cli{path: filepath.Join(bin, "k8slab"), state: state}
		err = func() error {
			defer func() {
				if _, err := c.run(context.WithoutCancel(ctx), "delete", "--lab", lab); err != nil {
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
	row := func(what string, value string, measured, budget float64, unit string) {
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

// cli runs k8slab with a state folder of its own.
type cli struct{ path, state string }

func (c cli) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+c.state, "K8SLAB_LANG=en")
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); ok {
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

// grade runs `k8slab check`, whose exit code is 3 as nothing has been done.
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

// pss sums the proportional set sizes of the processes that name the folder in their arguments, in MB.
func pss(dir string) (float64, error) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	var kb float64
	for _, line := range lines {
		raw, err := os.ReadFile(line)
		if err != nil || !strings.Contains(string(raw), dir) {
			continue
		}
		rollup, err := os.ReadFile(filepath.Join(filepath.Dir(line), "smaps_rollup"))
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

// bareStart measures etcd and an API server that have nothing but each other.
func bareStart(ctx context.Context, executable string) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "k8slab-bare-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	key := filepath.Join(dir, "sa.key")
	if err := writeKey(key); err != nil {
		return 0, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return 0, err
	}
	etcdURL, peerURL := "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[1]
	began := time.Now()
	stopEtcd, err := child(ctx, executable, "etcd", "--data-dir="+filepath.Join(dir, "etcd"), "--listen-client-urls="+etcdURL,
		"--advertise-client-urls="+etcdURL, "--listen-peer-urls="+peerURL, "--initial-advertise-peer-urls="+peerURL,
		"--initial-cluster=default="+peerURL)
	if err != nil {
		return 0, err
	}
	defer stopEtcd()
	stopAPI, err := child(ctx, executable, "kube-apiserver", "--bind-address=127.0.0.1", "--secure-port="+ports[2],
		"--advertise-address=10.240.0.2", "--etcd-servers="+etcdURL, "--cert-dir="+dir, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+key,
		"--service-account-signing-key-file="+key, "--service-cluster-ip-range=10.96.0.0/16")
	if err != nil {
		return 0, err
	}
	defer stopAPI()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: time.Second}
	for time.Since(began) < time.Minute {
		if res, err := client.Get("https://127.0.0.1:" + ports[2] + "/readyz"); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(began), nil
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return 0, fmt.Errorf("not ready after a minute")
}

func child(ctx context.Context, executable, name string, args ...string) (stop func(), err error) {
	cmd := exec.CommandContext(ctx, executable, args...)
	cmd.Args[0] = name
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // its error says that it was killed
	}, nil
}

func writeKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}), 0o600)
}

func freePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		ports = append(ports, port)
	}
	return ports, nil
}
