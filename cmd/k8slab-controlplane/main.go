package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	_ "time/tzdata" // CronJob time zones, on machines without zoneinfo

	"go.etcd.io/etcd/api/v3/version"
	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // exec and OIDC credentials in kubeconfigs
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client-go's request metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // kubernetes_build_info
	kubeversion "k8s.io/component-base/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// components maps argv[0] to what runs under that name and returns its exit code.
var components = map[string]func() int{
	"etcd":                    runEtcd,
	"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
	"kube-scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"kubectl":                 runKubectl,
	"etcd-checkpoint":         runCheckpoint,
}

func main() {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	run, ok := components[name]
	if !ok {
		os.Exit(describe(os.Stdout, os.Stderr, os.Args[1:]))
	}
	if name != "kubectl" && name != "etcd-checkpoint" {
		collectLazilyAtFirst()
	}
	os.Exit(run())
}

func runEtcd() int {
	etcdmain.Main(os.Args)
	return 0
}

// runKubectl follows cmd/kubectl/kubectl.go: verbosity has to be set before the command tree exists.
func runKubectl() int {
	if _, err := logs.GlogSetter(kubectl.GetLogVerbosity(os.Args)); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err) // prints the error and exits
	}
	return 0
}

// Release is what `k8slab-controlplane version` prints; k8slab reads it to refuse an executable of another release.
type Release struct {
	Kubernetes string `json:"kubernetes"`
	Etcd       string `json:"etcd"`
}

// describe answers when the executable is run under its own name.
func describe(stdout, stderr io.Writer, args []string) int {
	if len(args) == 1 && args[0] == "version" {
		if err := json.NewEncoder(stdout).Encode(Release{
			Kubernetes: kubeversion.Get().GitVersion,
			Etcd:       "v" + version.Version,
		}); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		return 0
	}
	fmt.Fprintf(stderr, `k8slab-controlplane %s: etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl in one file.

Run it under the name of the program that you want, for example through a link:
  ln -s %s kubectl && ./kubectl version --client

k8slab starts it by itself; there is no need to run it by hand.
  k8slab-controlplane version    print the releases inside, as JSON
`, kubeversion.Get().GitVersion, os.Args[0])
	return 2
}
