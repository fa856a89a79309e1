package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

func newList(inv *invocation) *cobra.Command {
	cmd := inv.command("list [-o json]",
		text.Text{EN: "List the labs and how far you are", JA: "ラボの一覧と進み具合を表示します"}, text.Text{})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		eng, err := inv.engine()
		if err != nil {
			return err
		}
		labs, err := eng.Labs(cmd.Context())
		if err != nil {
			return err
		}
		lines := present.LabsOf(labs)
		if inv.asJSON() {
			err = inv.printJSON(lines)
		} else {
			err = inv.print(inv.screen().Sheet(present.LabTable(lines)))
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

// labIDs returns the ids of labs for completion and suggestions; none if they cannot be read.
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
	near, _ := text.Nearest(name, names)
	return near
}
