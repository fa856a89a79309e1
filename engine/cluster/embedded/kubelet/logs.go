package kubelet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/kubelet/command"
)

// logLine is one line that a container wrote.
type logLine struct {
	at   time.Time
	text string
}

// containerLog returns what the container wrote since it started as its status says, oldest first. It is made up from
// pod and status alone, so that it needs no memory and is the same after a restart of the simulator.
func containerLog(
	commands *command.Set, pod *corev1.Pod, c container, state corev1.ContainerState, declared behavior.Conduct,
) []logLine {
	var began, ended time.Time
	code := int32(0)
	switch {
	case state.Running != nil:
		began = state.Running.StartedAt.Time
	case state.Terminated != nil:
		began, ended, code = state.Terminated.StartedAt.Time, state.Terminated.FinishedAt.Time, state.Terminated.ExitCode
	default:
		return nil
	}
	var lines []logLine
	say := func(at time.Time, format string, args ...any) {
		lines = append(lines, logLine{at.Add(time.Duration(len(lines)) * time.Millisecond), fmt.Sprintf(format, args...)})
	}
	say(began, "k8slab: container %s is simulated, image %s does not run / このコンテナーは模擬実行で、イメージは動いていません", c.Name, c.Image)
	if result := commands.Run(commandLine(c.Container), inside(pod, c), nil); result.Known {
		for text := range strings.Lines(result.Early) {
			say(began, "%s", strings.TrimRight(text, "\n"))
		}
		if ended.IsZero() && result.Takes > 0 {
			return lines
		}
		for text := range strings.Lines(result.Stdout[len(result.Early):] + result.Stderr) {
			say(began.Add(result.Takes), "%s", strings.TrimRight(text, "\n"))
		}
		return lines
	}
	for _, text := range startLines(c, declared) {
		say(began, "%s", text)
	}
	signalled := false
	if term, is := terminationTime(commands, pod, c); is && c.kind != initial && (ended.IsZero() || !ended.Before(term.Truncate(time.Second))) {
		signalled = true
		say(term, "received SIGTERM, shutting down")
	}
	switch {
	case ended.IsZero() || code == exitCodeKilled || code == exitCodeUnknown:
	case declared.Crash != nil && code == declared.Crash.Code() && !signalled:
		for _, text := range declared.Crash.Log {
			say(ended, "%s", text)
		}
	case signalled && code == 0:
		say(ended, "shut down cleanly")
	case code == 0:
		say(ended, "finished")
	}
	return lines
}

// startLines are what the application says when it has started.
func startLines(c container, declared behavior.Conduct) []string {
	if len(declared.Logs) > 0 {
		return declared.Logs
	}
	lines := []string{"starting " + c.Name}
	for _, port := range c.Ports {
		lines = append(lines, fmt.Sprintf("listening on 0.0.0.0:%d", port.ContainerPort))
	}
	return append(lines, "start-up finished")
}

// terminationTime is when the container of a pod that is being deleted gets SIGTERM: when its preStop hook has ended or
// the grace period has.
func terminationTime(commands *command.Set, pod *corev1.Pod, c container) (time.Time, bool) {
	if pod.DeletionTimestamp == nil {
		return time.Time{}, false
	}
	at := pod.DeletionTimestamp.Time
	if pod.DeletionGracePeriodSeconds != nil {
		grace := time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
		hook, _ := preStop(commands, c.Container)
		at = at.Add(min(hook, grace) - grace)
	}
	return at, true
}

// logOptions are the options of a request for logs. Nil pointers mean no bound.
type logOptions struct {
	follow, previous, timestamps bool
	tail, limit                  *int64
	since                        time.Time
}

func parseLogOptions(query url.Values, now time.Time) (logOptions, error) {
	o := logOptions{}
	var err error
	for name, flag := range map[string]*bool{"follow": &o.follow, "previous": &o.previous, "timestamps": &o.timestamps} {
		if text := query.Get(name); text != "" {
			if *flag, err = strconv.ParseBool(text); err != nil {
				return o, fmt.Errorf("%s: %q is neither true nor false", name, text)
			}
		}
	}
	var seconds *int64
	for name, number := range map[string]**int64{"tailLines": &o.tail, "limitBytes": &o.limit, "sinceSeconds": &seconds} {
		if text := query.Get(name); text != "" {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n < 0 {
				return o, fmt.Errorf("%s: %q is not a number of zero or more", name, text)
			}
			*number = &n
		}
	}
	if seconds != nil {
		o.since = now.Add(-time.Duration(*seconds) * time.Second)
	}
	if text := query.Get("sinceTime"); text != "" {
		if o.since, err = time.Parse(time.RFC3339, text); err != nil {
			return o, fmt.Errorf("sinceTime: %q is not an RFC 3339 time", text)
		}
	}
	return o, nil
}

// logState returns the state whose log is asked for, or why there is none, in the kubelet's words
// (kubelet_pods.go, validateContainerLogStatus).
func logState(pod *corev1.Pod, name string, previous bool) (corev1.ContainerState, error) {
	status := containerStatus(&pod.Status, name)
	switch {
	case status == nil:
		return corev1.ContainerState{}, fmt.Errorf("container %q in pod %q is not available", name, pod.Name)
	case previous && status.LastTerminationState.Terminated == nil:
		return corev1.ContainerState{}, fmt.Errorf("previous terminated container %q in pod %q not found", name, pod.Name)
	case previous:
		return status.LastTerminationState, nil
	case status.State.Running != nil:
		return status.State, nil
	case status.State.Terminated != nil:
		if status.State.Terminated.ContainerID == "" {
			return corev1.ContainerState{}, fmt.Errorf("container %q in pod %q is terminated", name, pod.Name)
		}
		return status.State, nil
	case status.LastTerminationState.Terminated != nil:
		return status.LastTerminationState, nil
	case status.State.Waiting != nil:
		return corev1.ContainerState{}, fmt.Errorf("container %q in pod %q is waiting to start: %v", name, pod.Name, status.State.Waiting.Reason)
	}
	return corev1.ContainerState{}, fmt.Errorf("container %q in pod %q is waiting to start - no logs yet", name, pod.Name)
}

func (s *server) serveLogs(w http.ResponseWriter, r *http.Request) {
	pod := s.podOf(w, r)
	if pod == nil {
		return
	}
	name := r.PathValue("container")
	if containerOf(pod, name) == nil {
		http.Error(w, fmt.Sprintf("container %q not found in pod %q", name, pod.Name), http.StatusNotFound)
		return
	}
	options, err := parseLogOptions(r.URL.Query(), time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := logState(pod, name, options.previous); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_ = s.copyLog(r.Context(), w, pod, name, options)
}

// copyLog writes the log, and with follow what is added to it until the container has ended or ctx has.
func (s *server) copyLog(ctx context.Context, w io.Writer, pod *corev1.Pod, name string, o logOptions) error {
	out := &logWriter{w: w, timestamps: o.timestamps, limit: o.limit}
	key, uid := keyOf(pod), pod.UID
	written := 0
	for first := true; ; first = false {
		change := s.kubelet.pods.change()
		if !first {
			if pod = s.kubelet.pods.get(key); pod == nil || pod.UID != uid {
				return nil
			}
		}
		state, err := logState(pod, name, o.previous)
		if err != nil {
			return nil
		}
		c := containerOf(pod, name)
		played := containerLog(s.kubelet.commands, pod, *c, state, s.kubelet.behaviors.of(pod, c.Container))
		all, more := s.kubelet.withWritten(pod, name, state, played)
		lines, later := until(time.Now(), all)
		fresh := lines[min(written, len(lines)):]
		written = max(written, len(lines))
		if first {
			fresh = selectLines(fresh, o)
		}
		if done, err := out.write(fresh); err != nil || done {
			return err
		}
		if !o.follow || state.Running == nil {
			return nil
		}
		select {
		case <-change:
		case <-later:
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

// withWritten adds what a simulated client wrote as the container that runs now.
func (k *Kubelet) withWritten(pod *corev1.Pod, name string, state corev1.ContainerState, lines []logLine) ([]logLine, <-chan struct{}) {
	if k.written == nil || state.Running == nil {
		return lines, nil
	}
	written, more := k.written(pod, name, state.Running.StartedAt.Time)
	for _, line := range written {
		lines = append(lines, logLine{line.Time, line.Text})
	}
	slices.SortStableFunc(lines, func(a, b logLine) int { return a.at.Compare(b.at) })
	return lines, more
}

// until returns the lines that were written by now, and a channel that tells when the next line is due; nil means that
// no line is foreseen.
func until(now time.Time, lines []logLine) ([]logLine, <-chan time.Time) {
	for i, line := range lines {
		if wait := line.at.Sub(now); wait > statusResolution {
			return lines[:i], time.After(wait)
		}
	}
	return lines, nil
}

func selectLines(lines []logLine, o logOptions) []logLine {
	for len(lines) > 0 && lines[0].at.Before(o.since) {
		lines = lines[1:]
	}
	if o.tail != nil && int64(len(lines)) > *o.tail {
		lines = lines[int64(len(lines))-*o.tail:]
	}
	return lines
}

// logWriter writes lines as the API has them, up to a limit of bytes.
type logWriter struct {
	w          io.Writer
	timestamps bool
	limit      *int64
	count      int64
}

// write returns true once the limit is reached.
func (o *logWriter) write(lines []logLine) (bool, error) {
	var b bytes.Buffer
	for _, line := range lines {
		if o.timestamps {
			b.WriteString(line.at.UTC().Format("2006-01-02T15:04:05.000000000Z"))
			b.WriteByte(' ')
		}
		b.WriteString(line.text)
		b.WriteByte('\n')
	}
	text := b.Bytes()
	if o.limit != nil {
		text = text[:min(int64(len(text)), *o.limit-o.count)]
	}
	o.count += int64(len(text))
	if _, err := o.w.Write(text); err != nil {
		return true, err
	}
	if response, ok := o.w.(http.ResponseWriter); ok {
		_ = http.NewResponseController(response).Flush()
	}
	return o.limit != nil && o.count >= *o.limit, nil
}

// untilStopped returns a context that ends when the container does not run any more.
func (s *server) untilStopped(ctx context.Context, key types.NamespacedName, uid types.UID, name string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		for {
			change := s.kubelet.pods.change()
			pod := s.kubelet.pods.get(key)
			if pod == nil || pod.UID != uid {
				return
			}
			if status := containerStatus(&pod.Status, name); status == nil || status.State.Running == nil {
				return
			}
			select {
			case <-change:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, cancel
}
