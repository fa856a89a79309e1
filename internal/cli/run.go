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
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/grading"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/engine/timeline"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/text"
)

// Engine is what the commands ask of the engine.
type Engine interface {
	Labs(ctx context.Context) ([]engine.LabStatus, error)
	// Open returns the play of a lab that is under way. Start begins one.
	Open(ctx context.Context, lab string) (Play, error)
	Start(ctx context.Context, lab string, opts engine.StartOptions, p cluster.Progress) (Play, error)
	PlanVisit(ctx context.Context, lab string, opts engine.StartOptions, p cluster.Progress) (*engine.VisitPlan, error)
	Stop(ctx context.Context, lab string, p cluster.Progress) error
	Delete(ctx context.Context, lab string, p cluster.Progress) (*cluster.Departure, error)
	Forget(ctx context.Context, lab string) error
	Provider(name string) (cluster.Provider, error)
	Providers() []string
	Damage() ([]progress.Damage, error)
	Vocabulary() *checks.Vocabulary
	Resolve(ctx context.Context, from string, p cluster.Progress) ([]catalog.Offer, error)
	LeftOut(ctx context.Context) ([]catalog.Offer, error)
	Origins() ([]content.Origin, error)
}

// Play is what the commands ask of a play that is held open.
type Play interface {
	Session() *engine.Session
	Provider() cluster.Provider
	Recover(ctx context.Context, p cluster.Progress) error
	Check(ctx context.Context, emit func(grading.Verdict)) (*grading.Report, error)
	Hint(ctx context.Context) (*engine.Hint, error)
	Next(ctx context.Context, skip bool, p cluster.Progress) error
	Goto(ctx context.Context, step string, p cluster.Progress) error
	Reset(ctx context.Context, p cluster.Progress) error
	Solution(ctx context.Context) (content.File, error)
	Finish(ctx context.Context) error
	Timeline(ctx context.Context, step string) (*timeline.Story, error)
	Follow(ctx context.Context, tell func(*timeline.Story) error) error
	SaveSnapshot(ctx context.Context, name string) error
	RestoreSnapshot(ctx context.Context, name string, p cluster.Progress) error
	Snapshots(ctx context.Context) ([]cluster.Checkpoint, error)
	PlanUpgrade(ctx context.Context, release string) (*engine.UpgradePlan, error)
	Upgrade(ctx context.Context, plan *engine.UpgradePlan, force bool, p cluster.Progress) (history.Upgrade, error)
	UpgradeNode(ctx context.Context, node, release string, force bool) (history.Upgrade, error)
	Power(ctx context.Context, node string, do engine.PowerSwitch, file string) error
	StopComponent(ctx context.Context, name string, p cluster.Progress) error
	StartComponent(ctx context.Context, name string, p cluster.Progress) error
}

// Parts are the parts of the program that the commands use, besides the engine's types.
type Parts struct {
	// NewEngine makes the engine. It is called when a command first needs the engine.
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

// invocation is one run of the program.
type invocation struct {
	Streams
	parts  Parts
	lang   text.Lang
	lab    string
	format string
	// interrupted is the message after Ctrl-C.
	interrupted text.Text

	made   sync.Once
	eng    Engine
	engErr error
}

// Run runs the command that args (without the program's name) ask for, and returns the exit code.
func Run(ctx context.Context, args []string, s Streams, parts Parts) int {
	inv := &invocation{Streams: s, parts: parts, lang: languageOf(s, args), lab: s.Getenv("K8SLAB_LAB"),
		interrupted: text.Text{EN: "Interrupted. The next k8slab start goes on from here.", JA: "中断しました。次の k8slab start で続きから始められます。"}}
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
		next = present.Command(p.Next)
	}
	screen := inv.errScreen()
	message := "k8slab: " + what(err).In(inv.lang)
	if inv.ErrTTY || inv.Getenv("COLUMNS") != "" {
		fmt.Fprint(inv.Err, screen.Paragraph(message, 2))
	} else {
		// In a log, a message of one line can be searched for.
		fmt.Fprintln(inv.Err, terminal.Plain(message))
	}
	if next != "" {
		fmt.Fprint(inv.Err, screen.Next(next))
	}
	return exitCodeOf(problem.KindOf(err))
}

// what returns the words of an error.
func what(err error) text.Text {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p.What
	}
	return text.Text{EN: err.Error(), JA: err.Error()}
}

func exitCodeOf(kind problem.Kind) int {
	switch kind {
	case problem.Usage:
		return exitUsage
	case problem.Cluster:
		return exitCluster
	case problem.Content:
		return exitContent
	case problem.Unpassed:
		return exitChecks
	default:
		return exitInternal
	}
}

func (inv *invocation) say(en, ja string) string { return text.Text{EN: en, JA: ja}.In(inv.lang) }

// screen is the screen of stdout, errScreen the screen of stderr.
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

// tell narrates a text that is there in both languages.
func (inv *invocation) tell(t text.Text) { fmt.Fprint(inv.Err, inv.errScreen().Say(t)) }

// next says what to do next, beside the answer. It says nothing for the zero action.
func (inv *invocation) next(a action.Action) {
	if !a.IsZero() {
		fmt.Fprint(inv.Err, inv.errScreen().Next(present.Command(a)))
	}
}

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

// Kinds of damage to the journal. A line that was set aside is told once, by the command that set it aside. A damaged
// line that stays in the journal is told whenever a learner looks at the progress.
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
		inv.next(action.Do(action.Doctor))
	}
	return nil
}

// open returns the play of --lab, or of the current lab, and its session. A change that a killed command left half-done
// is finished first.
func (inv *invocation) open(ctx context.Context) (Play, *engine.Session, error) {
	eng, err := inv.engine()
	if err != nil {
		return nil, nil, err
	}
	play, err := eng.Open(ctx, inv.lab)
	if err != nil {
		return nil, nil, err
	}
	err = inv.phases(func(report cluster.Progress) error { return play.Recover(ctx, report) })
	return play, play.Session(), err
}

// stateDir follows the XDG Base Directory Specification, by which relative paths are ignored.
func (inv *invocation) stateDir() (string, error) {
	if dir := inv.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "k8slab"), nil
	}
	if home := inv.Getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "k8slab"), nil
	}
	return "", problem.New(problem.Usage,
		text.New("k8slab does not know where to keep its state: neither XDG_STATE_HOME nor HOME is an absolute path.", "状態を保存する場所が分かりません。XDG_STATE_HOME も HOME も絶対パスではありません。"),
		action.InTerminal("export XDG_STATE_HOME=/…"))
}

// phases runs f with a display of its phases, which is removed before the command prints its answer.
func (inv *invocation) phases(f func(cluster.Progress) error) error {
	p := terminal.NewPhases(inv.errScreen(), inv.Err, inv.colour(inv.ErrTTY) || inv.ErrTTY && inv.Getenv("TERM") != "dumb")
	defer p.Close()
	return f(p.Report)
}

// asJSON reports whether the answer is for a program.
func (inv *invocation) asJSON() bool { return inv.format == "json" }

func (inv *invocation) printJSON(v any) error { return inv.encode(v, "  ") }

// printJSONLine prints one part of an answer that comes piece by piece.
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
