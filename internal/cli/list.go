package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/internal/terminal"
)

// labLine is a lab as list -o json prints it.
type labLine struct {
	ID string `json:"id"`
	// Source that was added; empty for a lab that came with k8slab.
	Source  string       `json:"source,omitempty"`
	Title   content.Text `json:"title"`
	Summary content.Text `json:"summary"`
	Minutes int          `json:"minutes"`
	Needs   []string     `json:"needs"`
	Steps   []string     `json:"steps"`
	Points  int          `json:"points"`
	Max     int          `json:"max"`
	// State is "new", "started" or "finished"; Cluster "none" or the state of the lab's cluster.
	State   string `json:"state"`
	Step    string `json:"step,omitempty"`
	Cluster string `json:"cluster"`
}

func newList(inv *invocation) *cobra.Command {
	cmd := inv.command("list [-o json]",
		content.Text{EN: "List the labs and how far you are", JA: "ラボの一覧と進み具合を表示します"}, content.Text{})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, err := inv.engine()
		if err != nil {
			return err
		}
		labs, err := eng.Labs(cmd.Context())
		if err != nil {
			return err
		}
		lines := make([]labLine, len(labs))
		for i, l := range labs {
			lines[i] = labLineOf(l)
		}
		if inv.asJSON() {
			err = inv.printJSON(lines)
		} else {
			err = inv.print(inv.labTable(lines))
		}
		if err != nil {
			return err
		}
		leftOut, err := eng.LeftOut(cmd.Context())
		if err != nil {
			return err
		}
		inv.mentionLeftOut(leftOut)
		return nil
	}
	return inv.withOutput(cmd)
}

func labLineOf(l engine.LabStatus) labLine {
	line := labLine{ID: l.Lab.ID, Source: l.Source, Title: l.Lab.Title, Summary: l.Lab.Summary, Minutes: l.Lab.Minutes,
		Needs: append([]string{}, l.Lab.Needs...), Points: l.Points, Max: l.Lab.Points(), State: "new", Cluster: "none"}
	for _, s := range l.Lab.Steps {
		line.Steps = append(line.Steps, s.ID)
	}
	if l.Attempt != nil {
		line.State, line.Step = "started", l.Attempt.Step
		if !l.Attempt.Finished.IsZero() {
			line.State = "finished"
		}
	}
	if l.Cluster != nil {
		line.Cluster = string(l.Cluster.State)
	}
	return line
}

// shortSource leaves room for the rest of the table where the source has no name but its address.
func (l labLine) shortSource() string { return l.Source[strings.LastIndex(l.Source, "/")+1:] }

func (inv *invocation) labTable(lines []labLine) string {
	columns := []terminal.Column{
		{Title: inv.say("LAB", "ラボ")}, {Title: inv.say("TITLE", "題名"), Wrap: true}, {Title: inv.say("MINUTES", "分")},
		{Title: inv.say("POINTS", "得点")}, {Title: inv.say("STATE", "状態")}, {Title: inv.say("CLUSTER", "クラスター")},
	}
	fromSources := slices.ContainsFunc(lines, func(l labLine) bool { return l.Source != "" })
	if fromSources {
		columns = append(columns, terminal.Column{Title: inv.say("SOURCE", "ソース")})
	}
	var rows [][]string
	for _, l := range lines {
		row := []string{l.ID, l.Title.In(inv.lang), fmt.Sprint(l.Minutes), fmt.Sprintf("%d/%d", l.Points, l.Max),
			inv.word(l.State), inv.word(l.Cluster)}
		if fromSources {
			row = append(row, cmp.Or(l.shortSource(), "–"))
		}
		rows = append(rows, row)
	}
	return inv.screen().Table(columns, rows)
}

// word says a state in the learner's language. Words of the field that Japanese writes in English stay.
func (inv *invocation) word(state string) string {
	switch state {
	case "new":
		return inv.say("new", "未着手")
	case "started":
		return inv.say("started", "進行中")
	case "finished":
		return inv.say("finished", "終了")
	case "passed":
		return inv.say("passed", "合格")
	case "current":
		return inv.say("here now", "実施中")
	case "open":
		return inv.say("open", "未合格")
	case "none":
		return inv.say("none", "なし")
	case "running":
		return inv.say("running", "稼働中")
	case "stopped":
		return inv.say("stopped", "停止")
	case "crashed":
		return inv.say("crashed", "異常終了")
	case "degraded":
		return inv.say("degraded", "一部停止")
	}
	return state
}

// labIDs for completion and suggestions; none where they cannot be told.
func (inv *invocation) labIDs(ctx context.Context) []string {
	eng, err := inv.engine()
	if err != nil {
		return nil
	}
	labs, err := eng.Labs(ctx)
	if err != nil {
		return nil
	}
	var ids []string
	for _, l := range labs {
		ids = append(ids, l.Lab.ID)
	}
	return ids
}

func (inv *invocation) completeLabs(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && cmd.ValidArgsFunction != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return withPrefix(inv.labIDs(cmd.Context()), word), cobra.ShellCompDirectiveNoFileComp
}

func withPrefix(words []string, prefix string) []string {
	var out []string
	for _, w := range words {
		if strings.HasPrefix(w, prefix) {
			out = append(out, w)
		}
	}
	return out
}

func nearest(name string, names []string) string {
	near, _ := content.Nearest(name, names)
	return near
}
