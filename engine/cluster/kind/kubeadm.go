package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"

	"github.com/k8slab/k8slab/engine/cluster"
)

const (
	// upgradeUnit is the systemd unit that runs kubeadm on the control plane's machine: kubeadm does not end with this
	// process.
	upgradeUnit  = "k8slab-upgrade"
	upgradeLog   = "/var/log/k8slab-upgrade.log"
	upgradeEnded = "/var/log/k8slab-upgrade.ended"
	// ignoreSystem lets kubeadm upgrade a machine with control groups of version 1, and a machine whose kernel has no
	// configuration to read.
	ignoreSystem = "--ignore-preflight-errors=SystemVerification"
	// kubeadmPoll is the time between two looks at kubeadm.
	kubeadmPoll = 500 * time.Millisecond
)

// kubeadmPhases are the lines that kubeadm prints when it begins with a component
// (cmd/kubeadm/app/phases/upgrade/staticpods.go).
var kubeadmPhases = [...]struct{ said, phase string }{
	{`Preparing for "kube-apiserver" upgrade`, "api-server"},
	{`Preparing for "kube-controller-manager" upgrade`, "controllers"},
	{`Preparing for "kube-scheduler" upgrade`, "scheduler"},
}

// applyUpgrade leaves kubeadm's output on the machine and, when kubeadm has ended, its exit code.
const applyUpgrade = `kubeadm upgrade apply "$1" --yes --etcd-upgrade=false ` + ignoreSystem + ` >` + upgradeLog + ` 2>&1
echo $? >` + upgradeEnded

// renewEtcd makes etcd's certificate again if it is for another address. A machine that was off may have come back with
// another address, and kubeadm finds etcd by its address. etcd reads the file at each handshake.
const renewEtcd = `
address=$(sed -nE 's|.*--advertise-client-urls=https://(.*):2379$|\1|p' /etc/kubernetes/manifests/etcd.yaml)
cd /etc/kubernetes/pki/etcd
if openssl x509 -noout -checkip "$address" -in server.crt | grep -q "does match"; then exit; fi
rm -f server.crt server.key
kubeadm init phase certs etcd-server --config /kind/kubeadm.conf`

// runKubeadm upgrades the control plane, or follows an upgrade that is under way. An error is kubeadm's own; kubeadm
// has then put the old version back.
func (e *engine) runKubeadm(ctx context.Context, f folder, machine, version string, progress cluster.Progress) error {
	if !e.unitRuns(ctx, machine) {
		if _, err := e.exec(ctx, machine, "bash", "-euc", renewEtcd); err != nil {
			return err
		}
		if err := e.installKubeadm(ctx, machine, version); err != nil {
			return err
		}
		if _, err := e.exec(ctx, machine, "rm", "-f", upgradeLog, upgradeEnded); err != nil {
			return err
		}
		_, err := e.exec(ctx, machine, "systemd-run", "--quiet", "--unit="+upgradeUnit, "--collect",
			"--setenv=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "/bin/bash", "-c", applyUpgrade, "apply", version)
		if err != nil {
			return err
		}
	}
	said, failed := e.followKubeadm(ctx, machine, version, progress)
	if ctx.Err() == nil { // otherwise kubeadm goes on, and the command that follows it next reads its whole output
		f.keepKubeadmLog(said)
	}
	return failed
}

// keepKubeadmLog appends kubeadm's output to the cluster's own kubeadm log, because each run of kubeadm begins its log
// on the machine again. A log that cannot be kept is no reason for an upgrade to fail.
func (f folder) keepKubeadmLog(said []byte) {
	log, err := os.OpenFile(f.kubeadmLog(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer log.Close()
	_, _ = log.Write(said)
}

func (e *engine) unitRuns(ctx context.Context, machine string) bool {
	_, err := e.exec(ctx, machine, "systemctl", "is-active", "--quiet", upgradeUnit)
	return err == nil
}

// followKubeadm reports phases until kubeadm or its machine has stopped. It returns kubeadm's output, as far as it
// could be read.
func (e *engine) followKubeadm(ctx context.Context, machine, version string, progress cluster.Progress) (said []byte, err error) {
	watch := phaseWatch{progress: progress, detail: version}
	err = wait.PollUntilContextCancel(ctx, kubeadmPoll, true, func(ctx context.Context) (bool, error) {
		running := e.unitRuns(ctx, machine) // asked before the output is read, so that the end of the output is not missed
		if words, err := e.exec(ctx, machine, "cat", upgradeLog); err == nil {
			said = words
			watch.read(string(said))
		}
		return !running, ctx.Err() // with ctx canceled, kubeadm only seems to have ended
	})
	if err != nil {
		return said, err
	}
	ended, err := e.exec(ctx, machine, "cat", upgradeEnded)
	if err != nil {
		return said, fmt.Errorf("kubeadm was cut short: %w", err)
	}
	if strings.TrimSpace(string(ended)) != "0" {
		return said, errors.New("kubeadm: " + complaint(string(said)))
	}
	watch.end()
	return said, nil
}

// complaint returns the line of kubeadm's output that says why kubeadm gave up. The last line only names a flag for
// more output.
func complaint(output string) string {
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "error") || strings.Contains(line, "FATAL") || strings.Contains(line, "[ERROR ") {
			return strings.TrimSpace(line)
		}
	}
	return lastLine(output)
}

// phaseWatch turns kubeadm's output into phases.
type phaseWatch struct {
	progress cluster.Progress
	detail   string
	// begun is how many of kubeadmPhases have begun.
	begun int
	since time.Time
}

func (w *phaseWatch) read(output string) {
	for w.begun < len(kubeadmPhases) && strings.Contains(output, kubeadmPhases[w.begun].said) {
		w.end()
		w.begun++
		w.since = time.Now()
		w.tell(cluster.Phase{Name: kubeadmPhases[w.begun-1].phase})
	}
}

// end reports the phase under way as done.
func (w *phaseWatch) end() {
	if w.begun > 0 {
		w.tell(cluster.Phase{Name: kubeadmPhases[w.begun-1].phase, Done: true, Elapsed: time.Since(w.since), Detail: w.detail})
	}
}

func (w *phaseWatch) tell(p cluster.Phase) {
	if w.progress != nil {
		w.progress(p)
	}
}

// leaveOutRemoved takes the group versions that the release has lost out of the API server's arguments: the API server
// would not start with them. The arguments are in the configuration that kubeadm keeps in the cluster.
func (f folder) leaveOutRemoved(ctx context.Context, wanted string) error {
	d, err := f.readDescription()
	if err != nil || len(d.Spec.RuntimeConfig) == 0 {
		return err
	}
	client, err := f.client(readyTimeout)
	if err != nil {
		return err
	}
	maps := client.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	kept, err := maps.Get(ctx, "kubeadm-config", metav1.GetOptions{})
	if err != nil {
		return err
	}
	changed, err := withRuntimeConfig(kept.Data["ClusterConfiguration"], runtimeConfig(d.Spec.RuntimeConfig, wanted))
	if err != nil {
		return err
	}
	kept.Data["ClusterConfiguration"] = changed
	_, err = maps.Update(ctx, kept, metav1.UpdateOptions{})
	return err
}

// withRuntimeConfig replaces the value of the API server's argument.
func withRuntimeConfig(configuration, value string) (string, error) {
	var c map[string]any
	if err := yaml.Unmarshal([]byte(configuration), &c); err != nil {
		return "", err
	}
	api, _ := c["apiServer"].(map[string]any)
	arguments, _ := api["extraArgs"].([]any)
	for _, one := range arguments {
		if argument, ok := one.(map[string]any); ok && argument["name"] == "runtime-config" {
			argument["value"] = value
			raw, err := yaml.Marshal(c)
			return string(raw), err
		}
	}
	return "", errors.New("kubeadm's configuration has no runtime-config")
}
