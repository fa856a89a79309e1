package embedded

import (
	"strconv"
	"strings"
)

const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
)

// componentNames in the order in which they are shown and started, and the reverse of the one in which they are stopped.
var componentNames = []string{etcd, apiServer, controllerManager, scheduler}

// clientComponents are started when the API server is ready. Started with it they would only take the processor from it, and
// the controller manager asks once a second whether it is there yet.
var clientComponents = []string{controllerManager, scheduler}

// arguments returns the command lines. Where a flag departs from what kubeadm sets, a comment says why.
// The release decides what of runtimeConfig the API server can be told to serve.
func (f folder) arguments(p ports, release string, runtimeConfig []string) (map[string][]string, error) {
	egress, err := f.socket(egressSocket)
	if err != nil {
		return nil, err
	}
	if err := f.writeComponentConfigs(egress); err != nil {
		return nil, err
	}
	return map[string][]string{
		etcd:              f.etcdArguments(p),
		apiServer:         append(f.apiServerArguments(p), runtimeConfigArguments(runtimeConfig, release)...),
		controllerManager: f.controllerManagerArguments(p),
		scheduler:         f.schedulerArguments(p),
	}, nil
}

func (f folder) etcdArguments(p ports) []string {
	client, peer := "https://"+loopback(p.EtcdClient), "https://"+loopback(p.EtcdPeer)
	return []string{
		"--name=k8slab",
		"--data-dir=" + f.etcdData(),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=k8slab=" + peer,
		"--client-cert-auth",
		"--trusted-ca-file=" + f.pki(etcdCA+".crt"),
		"--cert-file=" + f.pki("etcd-server.crt"),
		"--key-file=" + f.pki("etcd-server.key"),
		"--peer-client-cert-auth",
		"--peer-trusted-ca-file=" + f.pki(etcdCA+".crt"),
		"--peer-cert-file=" + f.pki("etcd-server.crt"),
		"--peer-key-file=" + f.pki("etcd-server.key"),
		// One member has nobody to wait for: it elects itself after one election timeout.
		"--heartbeat-interval=10",
		"--election-timeout=100",
		// A killed process loses nothing that it wrote; only a power cut could, and a lab can be made anew.
		"--unsafe-no-fsync",
		"--auto-compaction-mode=periodic",
		"--auto-compaction-retention=30m",
		"--log-level=warn",
	}
}

func (f folder) apiServerArguments(p ports) []string {
	return []string{
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(p.API),
		// Endpoints may not be loopback addresses, and a machine without a network has no other.
		"--advertise-address=" + controlPlaneIP,
		"--etcd-servers=https://" + loopback(p.EtcdClient),
		"--etcd-cafile=" + f.pki(etcdCA+".crt"),
		"--etcd-certfile=" + f.pki("apiserver-etcd-client.crt"),
		"--etcd-keyfile=" + f.pki("apiserver-etcd-client.key"),
		"--client-ca-file=" + f.pki(clusterCA+".crt"),
		"--tls-cert-file=" + f.pki("apiserver.crt"),
		"--tls-private-key-file=" + f.pki("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc." + clusterDomain,
		"--service-account-key-file=" + f.pki("sa.pub"),
		"--service-account-signing-key-file=" + f.pki("sa.key"),
		"--service-cluster-ip-range=" + serviceRange,
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--allow-privileged",
		"--requestheader-client-ca-file=" + f.pki(frontProxyCA+".crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + f.pki("front-proxy-client.crt"),
		"--proxy-client-key-file=" + f.pki("front-proxy-client.key"),
		"--kubelet-client-certificate=" + f.pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key=" + f.pki("apiserver-kubelet-client.key"),
		"--kubelet-certificate-authority=" + f.pki(clusterCA+".crt"),
		"--kubelet-preferred-address-types=InternalIP",
		// Nodes, pods and services have addresses that no network of this machine knows; the supervisor answers for them.
		"--egress-selector-config-file=" + f.config(egressConfig),
		"--audit-policy-file=" + f.config(auditPolicy),
		"--audit-log-path=" + f.auditLog(),
		// An action is in the log before kubectl returns, so grading right after it sees it.
		"--audit-log-mode=blocking",
		"--audit-log-maxsize=16",
		"--audit-log-maxbackup=4",
		// A lab is longer than the hour that events live by default.
		"--event-ttl=24h",
		// Without it a server that stops waits for its watches, which do not end by themselves.
		"--shutdown-watch-termination-grace-period=1s",
		"--profiling=false",
	}
}

func (f folder) controllerManagerArguments(p ports) []string {
	return append(f.servingArguments(controllerManager, p.ControllerManager),
		"--cluster-signing-cert-file="+f.pki(clusterCA+".crt"),
		"--cluster-signing-key-file="+f.pki(clusterCA+".key"),
		"--root-ca-file="+f.pki(clusterCA+".crt"),
		"--service-account-private-key-file="+f.pki("sa.key"),
		"--service-cluster-ip-range="+serviceRange,
		// One identity and a wide limit on requests: with an identity for each controller they take 4 s longer to start.
		"--use-service-account-credentials=false",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	)
}

func (f folder) schedulerArguments(p ports) []string {
	return append(f.servingArguments(scheduler, p.Scheduler),
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	)
}

// servingArguments are those that the controller manager and the scheduler share.
func (f folder) servingArguments(name string, port int) []string {
	kubeconfig := f.identity(name)
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--authentication-kubeconfig=" + kubeconfig,
		"--authorization-kubeconfig=" + kubeconfig,
		// The lookup waits for an API server that starts at the same time as they do.
		"--authentication-skip-lookup",
		"--client-ca-file=" + f.pki(clusterCA+".crt"),
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(port),
		"--tls-cert-file=" + f.pki("component-server.crt"),
		"--tls-private-key-file=" + f.pki("component-server.key"),
		// There is one of each, so nobody to elect a leader from.
		"--leader-elect=false",
		"--profiling=false",
	}
}

// componentEnvironment is the user's environment without what steers Go or Kubernetes in their shell: it is not meant for
// these processes.
func componentEnvironment(environ []string) []string {
	var env []string
	for _, kv := range environ {
		if strings.HasPrefix(kv, "GO") || strings.HasPrefix(kv, "KUBE") || strings.HasPrefix(kv, "ETCD_") {
			continue
		}
		env = append(env, kv)
	}
	return env
}
