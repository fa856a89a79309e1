package embedded

func (s *supervisor) schedulerProcess() part { return s.componentPart(scheduler, s.served) }

func (f folder) schedulerArguments(p ports) []string {
	return append(f.servingArguments(scheduler, p.Scheduler),
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	)
}
