package embedded

import "strconv"

// apiServerProcess starts with etcd, unless a checkpoint has to be restored before.
func (s *supervisor) apiServerProcess() part { return s.componentPart(apiServer, s.restored) }

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
		// Nodes, pods and services have addresses that no network of this machine knows; the supervisor answers for
		// them.
		"--egress-selector-config-file=" + f.config(egressConfig),
		"--audit-policy-file=" + f.config(auditPolicy),
		"--audit-log-path=" + f.auditLog(),
		// An action is in the log before kubectl returns, so grading right after it sees it.
		"--audit-log-mode=blocking",
		"--audit-log-maxsize=16",
		"--audit-log-maxbackup=4",
		// A lab is longer than the hour that events live by default.
		"--event-ttl=24h",
		// Without this flag a stopping API server waits for its watches, which do not end by themselves.
		"--shutdown-watch-termination-grace-period=1s",
		"--profiling=false",
	}
}
