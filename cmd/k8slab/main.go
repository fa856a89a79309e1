// Command k8slab runs Kubernetes labs on a real control plane on this machine.
package main

import (
	"os"

	"github.com/k8slab/k8slab/internal/cli"
)

func main() { os.Exit(cli.Main()) }
