package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// bareTimes measures etcd and an API server that have nothing but each other: how long the API server takes to answer
// from nothing, and how long it takes when it alone is started again on the data that is there by then.
func bareTimes(ctx context.Context, executable string) (start, restart time.Duration, err error) {
	dir, err := os.MkdirTemp("", "k8slab-bare-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	key := filepath.Join(dir, "sa.key")
	if err := writeKey(key); err != nil {
		return 0, 0, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return 0, 0, err
	}
	etcdURL, peerURL := "http://127.0.0.1:"+ports[0], "http://127.0.0.1:"+ports[1]
	began := time.Now()
	stopEtcd, err := child(ctx, executable, "etcd", "--data-dir="+filepath.Join(dir, "etcd"), "--listen-client-urls="+etcdURL,
		"--advertise-client-urls="+etcdURL, "--listen-peer-urls="+peerURL, "--initial-advertise-peer-urls="+peerURL,
		"--initial-cluster=default="+peerURL)
	if err != nil {
		return 0, 0, err
	}
	defer stopEtcd()
	api := func(began time.Time) (time.Duration, error) {
		stop, err := child(ctx, executable, "kube-apiserver", "--bind-address=127.0.0.1", "--secure-port="+ports[2],
			"--advertise-address=10.240.0.2", "--etcd-servers="+etcdURL, "--cert-dir="+dir, "--authorization-mode=RBAC",
			"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+key,
			"--service-account-signing-key-file="+key, "--service-cluster-ip-range=10.96.0.0/16")
		if err != nil {
			return 0, err
		}
		defer stop()
		return readyAfter(ctx, began, "https://127.0.0.1:"+ports[2]+"/readyz")
	}
	if start, err = api(began); err != nil {
		return 0, 0, err
	}
	restart, err = api(time.Now())
	return start, restart, err
}

// readyAfter waits until the URL answers 200, and returns how long it took since began.
func readyAfter(ctx context.Context, began time.Time, url string) (time.Duration, error) {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: time.Second}
	defer client.CloseIdleConnections()
	err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		res, err := client.Get(url)
		if err != nil {
			return false, nil
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return res.StatusCode == http.StatusOK, nil
	})
	if err != nil {
		return 0, fmt.Errorf("%s is not ready: %w", url, err)
	}
	return time.Since(began), nil
}

func child(ctx context.Context, executable, name string, args ...string) (stop func(), err error) {
	cmd := exec.CommandContext(ctx, executable, args...)
	cmd.Args[0] = name
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // the error only says that the process was killed
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
