package embedded

func (s *supervisor) controllerManagerProcess() part {
	return s.componentPart(controllerManager, s.served)
}

func (f folder) controllerManagerArguments(p ports) []string {
	return append(f.servingArguments(controllerManager, p.ControllerManager),
		"--cluster-signing-cert-file="+f.pki(clusterCA+".crt"),
		"--cluster-signing-key-file="+f.pki(clusterCA+".key"),
		"--root-ca-file="+f.pki(clusterCA+".crt"),
		"--service-account-private-key-file="+f.pki("sa.key"),
		"--service-cluster-ip-range="+serviceRange,
		// One identity and a wide limit on requests: with an identity for each controller they take 4 s longer to
		// start.
		"--use-service-account-credentials=false",
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	)
}
