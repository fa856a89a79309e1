package embedded

import (
	"context"
	"os"
)

// foundations are what all processes stand on: the ports, the files that they read, and nobody of an earlier
// supervisor.
func (s *supervisor) foundations() part {
	return part{"foundations", func(context.Context) (func(), error) {
		if err := s.prepare(); err != nil {
			s.releasePorts()
			return nil, err
		}
		return s.releasePorts, nil
	}}
}

// prepare clears what a killed supervisor left, settles the ports and writes what the components read.
func (s *supervisor) prepare() error {
	if err := s.folder.endLeftovers(s.log); err != nil {
		return err
	}
	desc := *s.description()
	if err := s.resume(&desc); err != nil {
		return err
	}
	exe, err := findExecutable(desc.release(), searchPath())
	if err != nil {
		return err
	}
	if s.etcdExe, err = findExecutable(desc.Spec.Release, searchPath()); err != nil {
		return err
	}
	if desc.Ports, s.releasePorts, err = desc.Ports.settle(desc.Spec.APIPort); err != nil {
		return err
	}
	desc.Version = exe.Version
	if err := s.describe(&desc); err != nil {
		return err
	}
	if err := s.folder.writeKubeconfigs(desc.Spec.Name, desc.Ports.API); err != nil {
		return err
	}
	args, err := s.folder.arguments(desc.Ports, desc.release(), desc.Spec.RuntimeConfig)
	if err != nil {
		return err
	}
	for _, dir := range []string{s.folder.simulator(), s.folder.path("audit")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	env := componentEnvironment(os.Environ())
	procs := map[string]*process{}
	for _, name := range componentNames {
		path := exe.Path
		if name == etcd {
			path = s.etcdExe.Path
		}
		procs[name] = newProcess(name, path, args[name], env, s.folder.logFile(name), s.log, s.componentChanged)
	}
	s.mu.Lock()
	s.procs = procs // complete before anybody sees it, and not changed afterwards
	s.mu.Unlock()
	return nil
}

// description is what the cluster is now.
func (s *supervisor) description() *description {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.desc
}

// describe makes d the description, on disk and then here.
func (s *supervisor) describe(d *description) error {
	if old := s.description(); d.Release != old.Release || d.Version != old.Version || d.Ports != old.Ports {
		if err := s.folder.writeDescription(d); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.desc = d
	return nil
}
