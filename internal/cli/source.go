package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/internal/app"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/internal/source"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/text"
)

func (inv *invocation) sources() (*source.Store, error) {
	dir, err := inv.stateDir()
	if err != nil {
		return nil, err
	}
	return app.Sources(dir), nil
}

func newSource(inv *invocation) *cobra.Command {
	return inv.group("source", text.Text{EN: "Labs from folders and git repositories", JA: "フォルダーや git リポジトリのラボを扱います"},
		newSourceAdd(inv), newSourceList(inv), newSourceUpdate(inv), newSourceRemove(inv))
}

func newSourceAdd(inv *invocation) *cobra.Command {
	cmd := inv.command("add [NAME] URL|DIR",
		text.Text{EN: "Add labs from a folder or a git repository", JA: "フォルダーや git リポジトリのラボを追加します"},
		text.Text{
			EN: "Add a source of labs; k8slab list then shows them. Of a git repository, GIT-URL[@REF][//FOLDER], the labs of one commit are kept: they need no network from then on and stay as they are until k8slab source update. A folder is read as it is at any time.\n\nGIT-URL is https://…, ssh://…, git@host:path, file:///… or the path of a repository. REF is a branch, a tag or a full commit. k8slab never asks for a password and refuses an address with one in it; private repositories work with ssh and your agent.\n\n  k8slab source add https://example.com/course.git@v2//labs\n  k8slab source add mine ./labs",
			JA: "ラボのソースを追加します。追加したラボは k8slab list に出ます。git リポジトリ (GIT-URL[@REF][//FOLDER]) では一つのコミットのラボを保存するため、その後はネットワークがなくても使え、k8slab source update まで内容は変わりません。フォルダーは常にその時点の内容を読みます。\n\nGIT-URL には https://…、ssh://…、git@host:path、file:///…、リポジトリのパスを書けます。REF はブランチ、タグ、省略なしのコミットです。パスワードを尋ねることはなく、パスワードを含むアドレスは使えません。非公開のリポジトリには ssh とエージェントを使ってください。\n\n  k8slab source add https://example.com/course.git@v2//labs\n  k8slab source add mine ./labs",
		})
	cmd.Args = between(1, 2)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, address := "", args[len(args)-1]
		if len(args) == 2 {
			name = args[0]
		}
		store, err := inv.sources()
		if err != nil {
			return err
		}
		eng, err := inv.engine()
		if err != nil {
			return err
		}
		var added source.Source
		isNew := false
		err = inv.phases(func(p cluster.Progress) error {
			added, isNew, err = store.Add(cmd.Context(), name, address, p)
			return err
		})
		if err != nil {
			return err
		}
		if isNew {
			inv.narrate(fmt.Sprintf("The source %s is added: %s.", added.Name, pinOf(added)), fmt.Sprintf("ソース %s を追加しました: %s", added.Name, pinOf(added)))
		} else {
			inv.narrate(fmt.Sprintf("The source %s was added before: %s. k8slab source update %[1]s fetches what is new.", added.Name, pinOf(added)),
				fmt.Sprintf("ソース %s は追加済みです: %s。新しい内容は k8slab source update %[1]s で取得します。", added.Name, pinOf(added)))
		}
		return inv.introduceSource(cmd.Context(), eng, added.Name)
	}
	return cmd
}

// pinOf returns the commit or the folder of a source whose labs are used.
func pinOf(s source.Source) string {
	if s.Commit == "" {
		return s.Location
	}
	return s.Location + " (" + s.Commit[:min(12, len(s.Commit))] + ")"
}

// introduceSource names the labs of a source, and tells which are left out and how to start the first one.
func (inv *invocation) introduceSource(ctx context.Context, eng Engine, name string) error {
	offers, err := eng.Resolve(ctx, name, nil)
	if err != nil {
		return err
	}
	var ids []string
	var leftOut []catalog.Offer
	for _, o := range offers {
		if o.Err != nil {
			leftOut = append(leftOut, o)
			continue
		}
		ids = append(ids, o.ID)
	}
	if len(ids) > 0 {
		inv.narrate("Labs: "+strings.Join(ids, ", "), "ラボ: "+strings.Join(ids, "、"))
		defer inv.next(action.Do(action.Start).On(ids[0]).With("from", name))
	}
	inv.mentionLeftOut(leftOut)
	return nil
}

// mentionLeftOut says, in one line each, which labs cannot be played. All other labs can be.
func (inv *invocation) mentionLeftOut(leftOut []catalog.Offer) {
	for _, o := range leftOut {
		first, rest, more := strings.Cut(strings.TrimSpace(what(o.Err).In(inv.lang)), "\n")
		if more {
			n := strings.Count(rest, "\n") + 1
			first += fmt.Sprintf(inv.say(" (and %d more)", " (ほか %d 件)"), n)
		}
		name := o.Source
		if o.ID != "" {
			name = o.ID + " (" + o.Source + ")"
		}
		message := fmt.Sprintf(inv.say("k8slab: %s is left out: %s", "k8slab: %s は使えないため除きました: %s"), name, first)
		if inv.ErrTTY {
			fmt.Fprint(inv.Err, inv.errScreen().Paragraph(message, 2))
		} else {
			fmt.Fprintln(inv.Err, terminal.Plain(message))
		}
	}
	if len(leftOut) > 0 {
		inv.next(action.Do(action.Doctor))
	}
}

// examineSources tells everything that is wrong with the labs of sources. Nothing else is kept from working, so each
// finding is a note.
func examineSources(ctx context.Context, eng Engine) []present.Finding {
	leftOut, err := eng.LeftOut(ctx)
	if err != nil {
		return []present.Finding{present.FindingOf("sources", err)}
	}
	var findings []present.Finding
	for _, o := range leftOut {
		f := present.FindingOf(strings.TrimSuffix(o.Source+"/"+o.ID, "/"), o.Err)
		f.State = present.FindingNote
		findings = append(findings, f)
	}
	return findings
}

func newSourceList(inv *invocation) *cobra.Command {
	cmd := inv.command("list [-o json]",
		text.Text{EN: "List the sources and the commits that they are pinned to", JA: "ソースと、固定されているコミットの一覧を表示します"}, text.Text{})
	cmd.RunE = func(*cobra.Command, []string) error {
		store, err := inv.sources()
		if err != nil {
			return err
		}
		list, err := store.List()
		if err != nil {
			return err
		}
		if inv.asJSON() {
			return inv.printJSON(append([]source.Source{}, list...))
		}
		return inv.print(inv.sourceTable(list))
	}
	return inv.withOutput(cmd)
}

func (inv *invocation) sourceTable(list []source.Source) string {
	if len(list) == 0 {
		return inv.say("There are no sources.", "ソースはありません。") + "\n"
	}
	rows := make([][]string, len(list))
	for i, s := range list {
		commit, pinned := inv.say("(read as it is)", "(常に最新)"), ""
		if s.Commit != "" {
			commit, pinned = s.Commit[:min(12, len(s.Commit))], s.Pinned.Local().Format(time.DateTime)
		}
		rows[i] = []string{s.Name, s.Location, commit, pinned}
	}
	return inv.screen().Table([]terminal.Column{
		{Title: inv.say("NAME", "名前")}, {Title: inv.say("FROM", "場所"), Wrap: true}, {Title: inv.say("COMMIT", "コミット")}, {Title: inv.say("PINNED", "固定した日時")},
	}, rows)
}

func newSourceUpdate(inv *invocation) *cobra.Command {
	cmd := inv.command("update [NAME]",
		text.Text{EN: "Pin sources to what their addresses mean now", JA: "ソースを取得し直し、今のコミットに固定します"},
		text.Text{
			EN: "Fetch the source, or all of them, and say from which commit to which each one moved. A lab that is under way stays as it was when it began, until k8slab start LAB --restart.",
			JA: "指定したソース (省略するとすべて) を取得し直し、どのコミットからどのコミットに変わったかを示します。進行中のラボは、k8slab start LAB --restart でやり直すまで始めたときの内容のままです。",
		})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeSources
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		store, err := inv.sources()
		if err != nil {
			return err
		}
		var changes []source.Change
		failed := inv.phases(func(p cluster.Progress) error {
			changes, err = store.Update(cmd.Context(), strings.Join(args, ""), p)
			return err
		})
		if err := inv.print(inv.changesText(changes)); err != nil {
			return err
		}
		if failed != nil {
			return failed
		}
		return inv.prune(cmd.Context(), store)
	}
	return cmd
}

func (inv *invocation) changesText(changes []source.Change) string {
	var b strings.Builder
	for _, c := range changes {
		switch {
		case c.To == "":
			fmt.Fprintf(&b, inv.say("%s is a folder and always read as it is\n", "%s はフォルダーなので、常に最新の内容を読みます\n"), c.Name)
		case c.From == c.To:
			fmt.Fprintf(&b, inv.say("%s stays at %s\n", "%s は %s のままです\n"), c.Name, c.To)
		default:
			fmt.Fprintf(&b, inv.say("%s moved from %s to %s\n", "%s は %s から %s に変わりました\n"), c.Name, c.From, c.To)
		}
	}
	return b.String()
}

// prune removes the snapshots that no source and no attempt needs any more.
func (inv *invocation) prune(ctx context.Context, store *source.Store) error {
	eng, err := inv.engine()
	if err != nil {
		return err
	}
	inUse, err := eng.Origins()
	if err != nil {
		return err
	}
	return store.Prune(ctx, inUse)
}

func newSourceRemove(inv *invocation) *cobra.Command {
	cmd := inv.command("remove NAME",
		text.Text{EN: "Remove a source; labs that are under way can be finished", JA: "ソースを削除します。進行中のラボは最後まで続けられます"}, text.Text{})
	cmd.Args = exactly(1)
	cmd.ValidArgsFunction = inv.completeSources
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		store, err := inv.sources()
		if err != nil {
			return err
		}
		if err := store.Remove(cmd.Context(), args[0]); err != nil {
			return err
		}
		inv.narrate(fmt.Sprintf("The source %s is removed.", args[0]), fmt.Sprintf("ソース %s を削除しました。", args[0]))
		return inv.prune(cmd.Context(), store)
	}
	return cmd
}

func (inv *invocation) sourceNames() []string {
	store, err := inv.sources()
	if err != nil {
		return nil
	}
	list, err := store.List()
	if err != nil {
		return nil
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	return names
}

func (inv *invocation) completeSources(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return withPrefix(inv.sourceNames(), word), cobra.ShellCompDirectiveNoFileComp
}

// completeSourcesOrFolders completes the names of sources, and lets the shell add files.
func (inv *invocation) completeSourcesOrFolders(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	return withPrefix(inv.sourceNames(), word), cobra.ShellCompDirectiveDefault
}
