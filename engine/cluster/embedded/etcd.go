package embedded

// etcdProcess keeps the cluster's state.
func (s *supervisor) etcdProcess() part { return s.componentPart(etcd, nil) }

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
