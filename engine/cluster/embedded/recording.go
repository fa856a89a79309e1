package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history/recorder"
)

// catchUpTimeout bounds how long the record may be behind; it takes milliseconds.
const catchUpTimeout = 8 * time.Second

// HistoryVariable of the environment of the command that starts a cluster, with the value "off", leaves its history
// unrecorded, for those who want to know what the record costs.
const HistoryVariable = "K8SLAB_HISTORY"

var errNotRecording = errors.New("the cluster's history is not being recorded")

// historyRecorder writes the cluster's history. It is stopped after the components, so that it records their end.
func (s *supervisor) historyRecorder() part {
	return s.background("history", from(s.apiAnswers, s.record))
}

// record writes the history until ctx ends. A cluster without a history still is a cluster, so that a failure is only
// logged: also one of writing the last of it, after ctx has ended.
func (s *supervisor) record(ctx context.Context) error {
	if os.Getenv(HistoryVariable) == "off" {
		return nil
	}
	r, err := s.openRecording()
	if err == nil {
		s.recorder.Store(r)
		err = r.Run(ctx)
		s.recorder.Store(nil)
	}
	if err != nil {
		s.log.Error("history", "error", err)
	}
	return nil
}

func (s *supervisor) openRecording() (*recorder.Recorder, error) {
	file, err := identityFile(cluster.Historian)
	if err != nil {
		return nil, err
	}
	client, err := clientcmd.BuildConfigFromFlags("", s.folder.identity(file))
	if err != nil {
		return nil, err
	}
	kinds, err := recorder.Kinds(s.description().Spec.History...)
	if err != nil {
		return nil, err
	}
	return recorder.Open(recorder.Config{Client: client, Dir: s.folder.recording(), Kinds: kinds, Log: s.log})
}

func (s *supervisor) catchUp(ctx context.Context) error {
	r := s.recorder.Load()
	if r == nil {
		return errNotRecording
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	return r.CatchUp(ctx)
}

// Recording implements cluster.Recorder.
func (p *Provider) Recording(_ context.Context, name string) (string, error) {
	return p.folder(name).recording(), nil
}

// CatchUp implements cluster.Recorder.
func (p *Provider) CatchUp(ctx context.Context, name string) error {
	if err := p.command(ctx, name, "/history/catch-up", nil); err != nil {
		return fmt.Errorf("waiting for the history to catch up: %w", err)
	}
	return nil
}
