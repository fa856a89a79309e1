package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/timeline"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/terminal"
)

// Engine is what the commands ask of the engine.
type Engine interface {
	Labs(ctx context.Context) ([]engine.LabStatus, error)
	Start(ctx context.Context, lab string, opts engine.StartOptions, p cluster.Progress) (*engine.Session, error)
	Session(ctx context.Context, lab string) (*engine.Session, error)
	Mend(ctx context.Context, s *engine.Session, p cluster.Progress) (*engine.Session, error)
	Check(ctx context.Context, s *engine.Session) (*engine.Report, error)
	Hint(ctx context.Context, s *engine.Session) (*engine.Hint, error)
	Next(ctx context.Context, s *engine.Session, p cluster.Progress) (*engine.Session, error)
	Goto(ctx context.Context, s *engine.Session, step string, p cluster.Progress) (*engine.Session, error)
	Reset(ctx context.Context, s *engine.Session, p cluster.Progress) (*engine.Session, error)
	Solution(ctx context.Context, s *engine.Session) (content.File, error)
	Finish(ctx context.Context, s *engine.Session) (*progress.Lab, error)
	Timeline(ctx context.Context, s *engine.Session, step string) (*timeline.Story, error)
	Follow(ctx context.Context, s *engine.Session, tell func(*timeline.Story) error) error
	Stop(ctx context.Context, lab string, p cluster.Progress) error
	PlanVisit(ctx context.Context, lab string, opts engine.StartOptions, p cluster.Progress) (*engine.Visit, error)
	Delete(ctx context.Context, lab string, p cluster.Progress) (*cluster.Departure, error)
	Forget(ctx context.Context, lab string) error
	SaveSnapshot(ctx context.Context, s *engine.Session, name string) error
	RestoreSnapshot(ctx context.Context, s *engine.Session, name string, p cluster.Progress) (*engine.Session, error)
	Snapshots(ctx context.Context, s *engine.Session) ([]cluster.Checkpoint, error)
	PlanUpgrade(ctx context.Context, s *engine.Session, release string) (*engine.UpgradePlan, error)
	Upgrade(ctx context.Context, s *engine.Session, plan *engine.UpgradePlan, force bool, p cluster.Progress) (history.Upgrade, error)
	Switched(s *engine.Session, node, action string) error
	UpgradeNode(ctx context.Context, s *engine.Session, node, release string, force bool) (history.Upgrade, error)
	Provider(name string) (cluster.Provider, error)
	Providers() []string
	Damage() ([]progress.Damage, error)
	Vocabulary() *checks.Vocabulary
	Resolve(ctx context.Context, from string, p cluster.Progress) ([]engine.Offer, error)
	LeftOut(ctx context.Context) ([]engine.Offer, error)
	Origins() ([]content.Origin, error)
}

// Parts are what the commands are made of beside the engine's types.
type Parts struct {
	// NewEngine is called by the first command that needs it.
	NewEngine func(stateDir string) (Engine, error)
	// Verify proves labs: it gives the runner vocabulary, clusters and this program.
	Verify func(ctx context.Context, r verify.Runner) (*verify.Result, error)
	// Supervise runs the background supervisor of a cluster; it returns an exit code.
	Supervise func(ctx context.Context, args []string) int
	// Exec replaces the process, as execve does; it returns only an error.
	Exec func(path string, argv, env []string) error
}

// Exit codes, as every help text documents them.
const (
	exitOK          = 0
	exitInternal    = 1
	exitUsage       = 2
	exitChecks      = 3
	exitCluster     = 4
	exitContent     = 5
	exitInterrupted = 130
)

// exit ends a command with a code of its own, after it has said all there is to say.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// checksFailed is a problem that ends with exitChecks.
type checksFailed struct{ *problem.Problem }

func (c checksFailed) Unwrap() error { return c.Problem }

// invocation is one run of the program.
type invocation struct {
	Streams
	parts  Parts
	lang   content.Lang
	lab    string
	format string
	// interrupted is said after Ctrl-C.
	interrupted content.Text

	made   sync.Once
	eng    Engine
	engErr error
}

// Run runs the command that args (without the program's name) ask for, and returns the exit code.
func Run(ctx context.Context, args []string, s Streams, parts Parts) int {
	inv := &invocation{Streams: s, parts: parts, lang: languageOf(s, args), lab: s.Getenv("K8SLAB_LAB"),
		interrupted: content.Text{EN: "Interrupted. The next k8slab start goes on from here.", JA: "中断しました。次の k8slab start で続きから始められます。"}}
	root := newRoot(inv)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(s.Err, inv.interrupted.In(inv.lang))
		return exitInterrupted
	}
	return inv.fail(err)
}

// withSignals runs f under a context that ends with Ctrl-C or a polite kill. A second Ctrl-C ends the process at once.
func withSignals(f func(ctx context.Context) int) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop)
	return f(ctx)
}

// fail prints an error, in the only place that does, and returns its exit code.
func (inv *invocation) fail(err error) int {
	if err == nil {
		return exitOK
	}
	if code, ok := errors.AsType[exit](err); ok {
		return int(code)
	}
	next := ""
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		next = p.Next
	}
	screen := inv.errScreen()
	message := "k8slab: " + what(err).In(inv.lang)
	if inv.ErrTTY || inv.Getenv("COLUMNS") != "" {
		fmt.Fprint(inv.Err, screen.Paragraph(message, 2))
	} else {
		// In a log, one line can be searched for.
		fmt.Fprintln(inv.Err, terminal.Plain(message))
	}
	if next != "" {
		fmt.Fprint(inv.Err, screen.Next(next))
	}
	if _, ok := errors.AsType[checksFailed](err); ok {
		return exitChecks
	}
	return exitCodeOf(problem.KindOf(err))
}

// what an error says.
func what(err error) content.Text {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p.What
	}
	return content.Text{EN: err.Error(), JA: err.Error()}
}

func exitCodeOf(kind problem.Kind) int {
	switch kind {
	case problem.Usage:
		return exitUsage
	case problem.Cluster:
		return exitCluster
	case problem.Content:
		return exitContent
	default:
		return exitInternal
	}
}

func (inv *invocation) say(en, ja string) string { return content.Text{EN: en, JA: ja}.In(inv.lang) }

// screen is that of stdout, errScreen that of stderr.
func (inv *invocation) screen() terminal.Screen {
	return terminal.Screen{Width: inv.width(), Colour: inv.colour(inv.OutTTY), Lang: inv.lang}
}

func (inv *invocation) errScreen() terminal.Screen {
	return terminal.Screen{Width: inv.width(), Colour: inv.colour(inv.ErrTTY), Lang: inv.lang}
}

// narrate tells what is going on, beside the answer.
func (inv *invocation) narrate(en, ja string) {
	fmt.Fprint(inv.Err, inv.errScreen().Paragraph(inv.say(en, ja), 0))
}

func (inv *invocation) next(command string) { fmt.Fprint(inv.Err, inv.errScreen().Next(command)) }

// engine makes the engine when it is first needed, so that help and completion never wait for it.
func (inv *invocation) engine() (Engine, error) {
	inv.made.Do(func() {
		var dir string
		if dir, inv.engErr = inv.stateDir(); inv.engErr == nil {
			inv.eng, inv.engErr = inv.parts.NewEngine(dir)
		}
		if inv.engErr == nil {
			inv.engErr = inv.mentionDamage(inv.eng, setAside)
		}
	})
	return inv.eng, inv.engErr
}

// Kinds of damage to the journal. A line that was set aside is told of by the command that did it, which happens once;
// one that stays in the journal is told of where a learner looks at the progress.
func setAside(d progress.Damage) bool { return d.Line == 0 }

func inJournal(d progress.Damage) bool { return d.Line > 0 }

// mentionDamage says in one line that a part of the journal could not be read.
func (inv *invocation) mentionDamage(eng Engine, which func(progress.Damage) bool) error {
	damage, err := eng.Damage()
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(damage, which); i >= 0 {
		message := fmt.Sprintf(inv.say("k8slab: part of your progress could not be read and was left out; the rest counts: %s",
			"k8slab: 進み具合の記録に読めない部分があったため、そこだけ除きました。残りは有効です: %s"), damage[i].Path)
		if inv.ErrTTY {
			fmt.Fprint(inv.Err, inv.errScreen().Paragraph(message, 2))
		} else {
			fmt.Fprintln(inv.Err, message)
		}
		inv.next("k8slab doctor")
	}
	return nil
}

// session returns the engine and the session of --lab, or of the current lab. What a killed command left half-done is finished first.
func (inv *invocation) session(ctx context.Context) (Engine, *engine.Session, error) {
	eng, err := inv.engine()
	if err != nil {
		return nil, nil, err
	}
	s, err := eng.Session(ctx, inv.lab)
	if err != nil {
		return eng, nil, err
	}
	err = inv.phases(func(report cluster.Progress) error {
		s, err = eng.Mend(ctx, s, report)
		return err
	})
	return eng, s, err
}

// stateDir follows the XDG Base Directory Specification, which has relative paths ignored.
func (inv *invocation) stateDir() (string, error) {
	if dir := inv.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "k8slab"), nil
	}
	if home := inv.Getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "k8slab"), nil
	}
	return "", problem.New(problem.Usage,
		"k8slab does not know where to keep its state: neither XDG_STATE_HOME nor HOME is an absolute path.",
		"状態を保存する場所が分かりません。XDG_STATE_HOME も HOME も絶対パスではありません。",
		"export XDG_STATE_HOME=/…")
}

// phases runs f with a display of its phases, which is gone when the command goes on to print its answer.
func (inv *invocation) phases(f func(cluster.Progress) error) error {
	p := terminal.NewPhases(inv.errScreen(), inv.Err, inv.colour(inv.ErrTTY) || inv.ErrTTY && inv.Getenv("TERM") != "dumb")
	defer p.Close()
	return f(p.Report)
}

// asJSON reports whether the answer is for a program.
func (inv *invocation) asJSON() bool { return inv.format == "json" }

func (inv *invocation) printJSON(v any) error { return inv.encode(v, "  ") }

// printJSONLine is for answers that come piece by piece.
func (inv *invocation) printJSONLine(v any) error { return inv.encode(v, "") }

func (inv *invocation) encode(v any, indent string) error {
	enc := json.NewEncoder(inv.Out)
	enc.SetIndent("", indent)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

func (inv *invocation) print(text string) error {
	if _, err := fmt.Fprint(inv.Out, text); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

// brokenLabs is content's list of errors, each with file, line and fix, as one problem.
func brokenLabs(err error) error {
	return problem.New(problem.Content, err.Error(), err.Error(), "").From(err)
}
