// Command client is the program of ghcr.io/k8slab/ci-bot on clusters whose pods are real: every 10 seconds it applies
// the manifests of a folder, as the ServiceAccount of its pod. What the labs declare as SimulatedClient for the
// embedded cluster is done here for kind.
//
//	CLIENT_NAME=ci-bot  MANIFESTS=/manifests  EVERY=10s
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/cluster/embedded/clients/applier"
)

// namespaceFile is where a kubelet says in which namespace a pod is.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Getenv("CLIENT_NAME"), os.Getenv("MANIFESTS"), os.Getenv("EVERY")); err != nil {
		log.Fatalln("error:", err)
	}
}

func run(ctx context.Context, name, folder, every string) error {
	period, err := time.ParseDuration(every)
	if err != nil {
		return fmt.Errorf("EVERY: %w", err)
	}
	namespace, err := os.ReadFile(namespaceFile)
	if err != nil {
		return err
	}
	config, err := rest.InClusterConfig() // the client reads the token again when the kubelet has replaced it
	if err != nil {
		return err
	}
	a, err := applier.New(config, name, string(namespace), func(line string) { log.Println(line) })
	if err != nil {
		return err
	}
	for {
		files, err := read(folder)
		if err != nil {
			log.Println("error:", err)
		}
		round, end := context.WithTimeout(ctx, 30*time.Second)
		a.Apply(round, files)
		end()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(period):
		}
	}
}

// read returns the files of a mounted ConfigMap. Names that begin with two dots are the kubelet's, which swaps folders
// below them.
func read(folder string) (map[string]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		files[entry.Name()] = string(data)
	}
	return files, nil
}
