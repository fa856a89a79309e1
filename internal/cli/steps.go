package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/internal/terminal"
)

func stepProgress(s *engine.Session) *progress.Step {
	if s.Attempt == nil {
		return nil
	}
	return s.Attempt.Steps[s.Step.ID]
}

func hasPassed(s *engine.Session) bool {
	st := stepProgress(s)
	return st != nil && !st.Passed.IsZero()
}

// isLast reports whether the session's cluster can play no step after this one.
func isLast(s *engine.Session) bool {
	following, _ := s.Following()
	return following == nil
}

func newNext(inv *invocation) *cobra.Command {
	var skip bool
	cmd := inv.command("next [--skip] [--lab LAB]",
		content.Text{EN: "Go to the next step", JA: "次のステップに進みます"},
		content.Text{
			EN: "Make the starting state of the next step and show its lesson. A step that has not passed is only left with --skip. Steps that the cluster cannot play are passed over, with the reason.",
			JA: "次のステップの初期状態を用意し、レッスンを表示します。合格していないステップから進むには --skip が必要です。クラスターで実行できないステップは、理由を示して飛ばします。",
		})
	cmd.Flags().BoolVar(&skip, "skip", false, inv.say("leave a step that has not passed", "合格していなくても進みます"))
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		if !skip && !hasPassed(s) {
			return refuseUnpassed(s)
		}
		following, passedOver := s.Following()
		for _, fit := range passedOver {
			fmt.Fprint(inv.Err, inv.errScreen().Paragraph(inv.notHere(*fit.Unplayable), 0))
		}
		if following == nil {
			inv.narrate(lastStep(s, len(passedOver) > 0))
			inv.next("k8slab finish")
			return nil
		}
		return inv.moveTo(func(p cluster.Progress) (*engine.Session, error) { return eng.Next(cmd.Context(), s, p) })
	}
	return inv.withLab(cmd)
}

// lastStep says so in both languages.
func lastStep(s *engine.Session, here bool) (en, ja string) {
	if here {
		return fmt.Sprintf("%s is the last step of %s that can be played here.", s.Step.ID, s.Lab.ID), fmt.Sprintf("%s は、ここで実行できる %s の最後のステップです。", s.Step.ID, s.Lab.ID)
	}
	return fmt.Sprintf("%s is the last step of %s.", s.Step.ID, s.Lab.ID), fmt.Sprintf("%s は %s の最後のステップです。", s.Step.ID, s.Lab.ID)
}

// notHere says of a step that the cluster cannot play it, and why.
func (inv *invocation) notHere(why content.Text) string {
	return fmt.Sprintf(inv.say("Not on this cluster: %s.", "このクラスターでは実行できません: %s。"), why.In(inv.lang))
}

// moveTo runs what changes the step, and shows the step at which it arrived.
func (inv *invocation) moveTo(move func(cluster.Progress) (*engine.Session, error)) error {
	var s *engine.Session
	err := inv.phases(func(p cluster.Progress) (err error) {
		s, err = move(p)
		return err
	})
	if err != nil {
		return err
	}
	return inv.arrive(s)
}

func newGoto(inv *invocation) *cobra.Command {
	cmd := inv.command("goto STEP [--lab LAB]",
		content.Text{EN: "Go to any step of the lab", JA: "ラボの好きなステップに移ります"},
		content.Text{
			EN: "Make the starting state of the step and show its lesson. Points that you have earned stay yours. k8slab status lists the steps.",
			JA: "指定したステップの初期状態を用意し、レッスンを表示します。すでに得た点は減りません。ステップの一覧は k8slab status で見られます。",
		})
	cmd.Args = exactly(1)
	cmd.ValidArgsFunction = inv.completeSteps
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		return inv.moveTo(func(p cluster.Progress) (*engine.Session, error) { return eng.Goto(cmd.Context(), s, args[0], p) })
	}
	return inv.withLab(cmd)
}

func (inv *invocation) completeSteps(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	_, s, err := inv.session(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, step := range s.Lab.Steps {
		ids = append(ids, step.ID)
	}
	return withPrefix(ids, word), cobra.ShellCompDirectiveNoFileComp
}

func newReset(inv *invocation) *cobra.Command {
	cmd := inv.command("reset [--lab LAB]",
		content.Text{EN: "Put the step back to its starting state", JA: "ステップを初期状態に戻します"},
		content.Text{
			EN: "Undo everything that you did in this step. Points, hints taken and other steps stay as they are.",
			JA: "このステップで行った操作をすべて取り消し、初期状態に戻します。得点、見たヒント、ほかのステップはそのままです。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		err = inv.phases(func(p cluster.Progress) error {
			s, err = eng.Reset(cmd.Context(), s, p)
			return err
		})
		if err != nil {
			return err
		}
		inv.narrate(fmt.Sprintf("The step %s is back at its starting state.", s.Step.ID), fmt.Sprintf("ステップ %s を初期状態に戻しました。", s.Step.ID))
		inv.next("k8slab lesson")
		return nil
	}
	return inv.withLab(cmd)
}

// statusAnswer is what status -o json prints.
type statusAnswer struct {
	Lab     string       `json:"lab"`
	Title   content.Text `json:"title"`
	Step    string       `json:"step"`
	Points  int          `json:"points"`
	Max     int          `json:"max"`
	Steps   []stepLine   `json:"steps"`
	Cluster string       `json:"cluster"`
	Server  string       `json:"server,omitempty"`
}

type stepLine struct {
	ID    string       `json:"id"`
	Title content.Text `json:"title"`
	// State is "passed", "current" or "open".
	State    string `json:"state"`
	Points   int    `json:"points"`
	Max      int    `json:"max"`
	Checks   int    `json:"checks"`
	Hints    int    `json:"hints"`
	Revealed bool   `json:"revealed"`
	// Unplayable says why the cluster cannot play the step; NotJudged is how many of its checks are left out there.
	Unplayable *content.Text `json:"unplayable,omitempty"`
	NotJudged  int           `json:"notJudged,omitempty"`
}

func newStatus(inv *invocation) *cobra.Command {
	cmd := inv.command("status [--lab LAB] [-o json]",
		content.Text{EN: "Show where you are in the lab", JA: "ラボの進み具合を表示します"}, content.Text{})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		if err := inv.mentionDamage(eng, inJournal); err != nil {
			return err
		}
		answer := statusOf(s)
		if inv.asJSON() {
			return inv.printJSON(answer)
		}
		return inv.print(inv.statusText(answer))
	}
	return inv.withOutput(inv.withLab(cmd))
}

func statusOf(s *engine.Session) statusAnswer {
	a := statusAnswer{Lab: s.Lab.ID, Title: s.Lab.Title, Step: s.Step.ID, Max: s.Lab.Points(), Cluster: "none"}
	if s.Cluster != nil {
		a.Cluster, a.Server = string(s.Cluster.State), s.Cluster.Server
	}
	for i, step := range s.Lab.Steps {
		line := stepLine{ID: step.ID, Title: step.Title(), State: "open", Max: step.Points}
		if i < len(s.Fits) {
			line.Unplayable, line.NotJudged = s.Fits[i].Unplayable, s.Fits[i].NotJudged
		}
		if s.Attempt != nil {
			if st := s.Attempt.Steps[step.ID]; st != nil {
				line.Points, line.Checks, line.Hints, line.Revealed = st.Points, st.Checks, st.Hints, st.Revealed
				if !st.Passed.IsZero() {
					line.State = "passed"
				}
			}
		}
		if line.State == "open" && step.ID == s.Step.ID {
			line.State = "current"
		}
		a.Points += line.Points
		a.Steps = append(a.Steps, line)
	}
	return a
}

func (inv *invocation) statusText(a statusAnswer) string {
	var b strings.Builder
	screen := inv.screen()
	b.WriteString(screen.Paragraph(a.Lab+"  "+a.Title.In(inv.lang), 0))
	cluster := fmt.Sprintf(inv.say("Cluster: %s", "クラスター: %s"), inv.word(a.Cluster))
	if a.Server != "" {
		cluster += "  " + a.Server
	}
	b.WriteString(screen.Paragraph(cluster, 0) + "\n")
	rows := make([][]string, len(a.Steps))
	for i, l := range a.Steps {
		here := "  "
		if l.ID == a.Step {
			here = "▸ "
		}
		rows[i] = []string{here + l.ID, l.Title.In(inv.lang), inv.word(l.State), fmt.Sprintf("%d/%d", l.Points, l.Max), fmt.Sprint(l.Hints)}
	}
	b.WriteString(screen.Table([]terminal.Column{
		{Title: inv.say("STEP", "ステップ")}, {Title: inv.say("TITLE", "題名"), Wrap: true}, {Title: inv.say("STATE", "状態")},
		{Title: inv.say("POINTS", "得点")}, {Title: inv.say("HINTS", "ヒント")},
	}, rows))
	fmt.Fprintf(&b, inv.say("\n%d of %d points\n", "\n%[2]d 点中 %[1]d 点\n"), a.Points, a.Max)
	for _, l := range a.Steps {
		if l.Unplayable != nil {
			b.WriteString(screen.Paragraph(inv.notHere(*l.Unplayable), 0))
		}
	}
	return b.String()
}

func newFinish(inv *invocation) *cobra.Command {
	cmd := inv.command("finish [--lab LAB]",
		content.Text{EN: "End the lab and sum up your points", JA: "ラボを終えて得点をまとめます"},
		content.Text{
			EN: "End this attempt. The cluster stays until you stop or delete it; k8slab start LAB --restart begins a new attempt.",
			JA: "今回の挑戦を終えます。クラスターは停止または削除するまで残ります。もう一度最初から挑戦するには k8slab start LAB --restart です。",
		})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		attempt, err := eng.Finish(cmd.Context(), s)
		if err != nil {
			return err
		}
		passed, points := tally(attempt)
		if err := inv.print(inv.screen().Paragraph(fmt.Sprintf(
			inv.say("%s is finished: %d of %d steps passed, %d of %d points.", "%[1]s を終えました。%[3]d ステップ中 %[2]d ステップに合格、%[5]d 点中 %[4]d 点です。"),
			s.Lab.ID, passed, len(s.Lab.Steps), points, s.Lab.Points()), 0)); err != nil {
			return err
		}
		for _, fit := range s.Fits {
			if fit.Unplayable == nil {
				continue
			}
			if err := inv.print(inv.screen().Paragraph(inv.notHere(*fit.Unplayable), 0)); err != nil {
				return err
			}
		}
		inv.next("k8slab delete " + s.Lab.ID)
		return nil
	}
	return inv.withLab(cmd)
}

func tally(attempt *progress.Lab) (passed, points int) {
	for _, st := range attempt.Steps {
		points += st.Points
		if !st.Passed.IsZero() {
			passed++
		}
	}
	return passed, points
}

func newStop(inv *invocation) *cobra.Command {
	return inv.onCluster("stop",
		content.Text{EN: "Stop a lab's cluster and keep its state", JA: "ラボのクラスターを状態を残して停止します"},
		content.Text{EN: "The cluster of %s is stopped; your work in it is kept.", JA: "%s のクラスターを停止しました。作業内容は残っています。"},
		Engine.Stop)
}

// onCluster is a command that does something with the cluster of a lab.
func (inv *invocation) onCluster(verb string, short, done content.Text, act func(Engine, context.Context, string, cluster.Progress) error) *cobra.Command {
	cmd := inv.command(verb+" [LAB]", short, content.Text{})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeLabs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			inv.lab = args[0]
		}
		return inv.actOnCluster(cmd.Context(), done, act)
	}
	return inv.withLab(cmd)
}

func (inv *invocation) actOnCluster(ctx context.Context, done content.Text, act func(Engine, context.Context, string, cluster.Progress) error) error {
	eng, lab, err := inv.labWithCluster(ctx)
	if err != nil {
		return err
	}
	if err := inv.phases(func(p cluster.Progress) error { return act(eng, ctx, lab, p) }); err != nil {
		return err
	}
	inv.narrate(fmt.Sprintf(done.EN, lab), fmt.Sprintf(done.JA, lab))
	inv.next("k8slab start " + lab)
	return nil
}

// labWithCluster returns the lab that was named, or the current one.
func (inv *invocation) labWithCluster(ctx context.Context) (Engine, string, error) {
	eng, err := inv.engine()
	if err != nil || inv.lab != "" {
		return eng, inv.lab, err
	}
	s, err := eng.Session(ctx, "")
	if err != nil {
		return nil, "", err
	}
	return eng, s.Lab.ID, nil
}
