package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
)

// scriptTimeout bounds one answer.
const scriptTimeout = 3 * time.Minute

// Kind of an answer.
type Kind string

const (
	// Nothing done: every check must fail or be blocked, and every invariant pass.
	Nothing   Kind = "start"
	Solution  Kind = "solution"
	AlsoRight Kind = "also-right"
	Wrong     Kind = "wrong"
)

// Answer is what is done to the starting state of a step.
type Answer struct {
	Kind   Kind
	Script content.File
	// Fails is the check that a wrong answer must fail.
	Fails string
}

// Name of the answer, for reports.
func (a Answer) Name() string {
	if a.Kind == Nothing {
		return "nothing done"
	}
	return a.Script.Path
}

// Answers returns all that the step comes with.
func Answers(step *content.Step) []Answer {
	answers := []Answer{{Kind: Nothing}, {Kind: Solution, Script: step.Solution}}
	for _, f := range step.AlsoRight {
		answers = append(answers, Answer{Kind: AlsoRight, Script: f})
	}
	for _, w := range step.Wrong {
		answers = append(answers, Answer{Kind: Wrong, Script: w.File, Fails: w.Fails})
	}
	return answers
}

// Unkilled returns the ids of checks and invariants that no wrong answer of the step names: nothing shows that they can fail.
func Unkilled(step *content.Step) []string {
	var ids []string
	for _, c := range slices.Concat(step.Checks, step.Invariants) {
		if !slices.ContainsFunc(step.Wrong, func(w content.WrongAnswer) bool { return w.Fails == c.ID }) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// Proof is what became of an answer.
type Proof struct {
	Answer     Answer
	Report     *engine.Report
	Transcript string
	// Problems says where the grader and the author disagree; an answer without any is proved.
	Problems []string
	Elapsed  time.Duration
}

// Verifier plays answers.
type Verifier struct {
	Engine *engine.Engine
	// Program is an executable that is k8slab when it is called by that name, for answers that switch a machine off; empty means
	// that answers have no k8slab.
	Program string
	// Env is what the program needs of the environment, to find the clusters and their executables.
	Env []string
}

// Prove restores the starting state of the session's step, plays the answer and grades it. An error means that the answer
// could not be played.
func (v *Verifier) Prove(ctx context.Context, s *engine.Session, a Answer) (*Proof, error) {
	began := time.Now()
	s, err := v.Engine.Reset(ctx, s, nil)
	if err != nil {
		return nil, err
	}
	proof := &Proof{Answer: a}
	if a.Kind != Nothing {
		transcript, err := v.play(ctx, s, a.Script)
		proof.Transcript = transcript
		if err != nil {
			proof.Problems = append(proof.Problems, fmt.Sprintf("the script ended with: %v", err))
		}
	}
	if proof.Report, err = v.Engine.Check(ctx, s); err != nil {
		return nil, err
	}
	proof.Problems = append(proof.Problems, judge(a, proof.Report)...)
	proof.Elapsed = time.Since(began)
	return proof, nil
}

// play runs the script as the learner would type it: their kubeconfig, the cluster's kubectl, k8slab, and nothing else of this
// process's environment. Its whole process group ends with ctx.
func (v *Verifier) play(ctx context.Context, s *engine.Session, script content.File) (transcript string, err error) {
	ctx, cancel := context.WithTimeout(ctx, scriptTimeout)
	defer cancel()
	p, err := v.Engine.Provider(s.Cluster.Provider)
	if err != nil {
		return "", err
	}
	path := "/usr/local/bin:/usr/bin:/bin"
	if k, ok := p.(cluster.Kubectl); ok {
		kubectl, err := k.Kubectl(ctx, s.Lab.ID)
		if err != nil {
			return "", err
		}
		path = filepath.Dir(kubectl) + ":" + path
	}
	home, err := os.MkdirTemp("", "k8slab-verify-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(home)
	file := filepath.Join(home, "answer.sh")
	if err := os.WriteFile(file, script.Data, 0o600); err != nil {
		return "", err
	}
	if v.Program != "" {
		if err := os.Symlink(v.Program, filepath.Join(home, "k8slab")); err != nil {
			return "", err
		}
		path = home + ":" + path
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/sh", file)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir = home
	cmd.Env = append([]string{"PATH=" + path, "HOME=" + home, "KUBECONFIG=" + s.Cluster.Kubeconfig, "LANG=C.UTF-8", "K8SLAB_LAB=" + s.Lab.ID}, v.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	if ctxErr := ctx.Err(); ctxErr != nil {
		err = errors.Join(ctxErr, err)
	}
	return out.String(), err
}

// judge compares the report with what the kind of answer calls for.
func judge(a Answer, r *engine.Report) (problems []string) {
	disagree := func(v engine.Verdict, want string) {
		problems = append(problems, fmt.Sprintf("%s is %s, want %s%s", v.ID, v.Outcome, want, feedback(v)))
	}
	for _, v := range r.Verdicts {
		switch {
		case a.Kind == Nothing && !v.Invariant:
			if v.Outcome != checks.Failed && v.Outcome != checks.Blocked {
				disagree(v, "failed or blocked")
			}
		case a.Kind == Wrong && v.ID == a.Fails:
			if v.Outcome != checks.Failed {
				disagree(v, "failed")
			}
		case a.Kind == Wrong && v.Outcome == checks.Blocked && slices.Contains(v.BlockedBy, a.Fails):
		case a.Kind == Wrong && v.Outcome == checks.Blocked && allBlocked(r, v.BlockedBy):
		case v.Outcome != checks.Passed:
			disagree(v, "passed")
		}
	}
	return problems
}

// allBlocked reports whether each of the checks is itself blocked, so that the failure lies further back.
func allBlocked(r *engine.Report, ids []string) bool {
	for _, v := range r.Verdicts {
		if slices.Contains(ids, v.ID) && v.Outcome != checks.Blocked {
			return false
		}
	}
	return true
}

func feedback(v engine.Verdict) string {
	switch {
	case v.Error != "":
		return ": " + v.Error
	case v.Outcome == checks.Failed:
		return fmt.Sprintf(": wanted %s; got %s; %s", v.Want.EN, v.Got.EN, v.Cause)
	case v.Outcome == checks.Blocked:
		return fmt.Sprintf(" by %v", v.BlockedBy)
	}
	return ""
}
