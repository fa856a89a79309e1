package cli

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/terminal"
)

// visitFlags are those of start for a cluster that somebody else made.
type visitFlags struct{ yes, dryRun bool }

// addPlace adds the flags that name such a cluster.
func (inv *invocation) addPlace(cmd *cobra.Command, place *cluster.Place) {
	flags := cmd.Flags()
	flags.StringVar(&place.Context, "context", "", inv.say("with --cluster existing: context of the cluster", "--cluster existing で使うコンテキスト"))
	flags.StringVar(&place.Kubeconfig, "kubeconfig", "", inv.say("file with the context (default: as kubectl)", "コンテキストのあるファイル (既定は kubectl と同じ)"))
	flags.StringVar(&place.ResourceGroup, "resource-group", "", inv.say("with --cluster aks: its resource group", "--cluster aks のリソースグループ"))
	flags.StringVar(&place.Name, "name", "", inv.say("with --cluster aks: its name", "--cluster aks のクラスター名"))
	flags.StringVar(&place.Subscription, "subscription", "", inv.say("with --cluster aks: ID of the subscription (default: AZURE_SUBSCRIPTION_ID, or the only one)", "--cluster aks のサブスクリプション ID (既定は AZURE_SUBSCRIPTION_ID、または唯一のもの)"))
	flags.BoolVar(&place.Admin, "admin", false, inv.say("with --cluster aks: take the administrator's credentials instead of your own", "--cluster aks でご自身ではなく管理者の認証情報を使います"))
	_ = cmd.MarkFlagFilename("kubeconfig")
}

// addVisit adds what a person says about such a cluster.
func (inv *invocation) addVisit(cmd *cobra.Command, opts *engine.StartOptions, visit *visitFlags) {
	flags := cmd.Flags()
	flags.BoolVar(&visit.dryRun, "dry-run", false, inv.say("list what would be changed in a cluster that is not k8slab's own, and change nothing", "k8slab のものではないクラスターで何が変わるかを示し、何も変更しません"))
	flags.BoolVar(&visit.yes, "yes", false, inv.say("do not ask before the first change", "最初の変更の前に確認しません"))
	flags.BoolVar(&opts.AllowNodes, "allow-nodes", false, inv.say("the lab's tasks may cordon and drain nodes; k8slab uncordons them in the end", "ラボの課題でノードの cordon やドレインを行うことを認めます。最後に k8slab が元に戻します"))
	flags.StringVar(&opts.Acknowledge, "acknowledge", "", inv.say("use the cluster of this context although it looks like production", "本番環境のように見えても、このコンテキストのクラスターを使います"))
}

// consent returns the question that is asked before the first change.
func (inv *invocation) consent(yes bool) engine.Consent {
	return func(ctx context.Context, v *engine.Visit) error {
		screen := inv.errScreen()
		fmt.Fprint(inv.Err, screen.Definitions(inv.hostRows(v.Host)))
		counts := inv.countText(v.Changes)
		inv.narrate(fmt.Sprintf("This cluster is not k8slab's own. For the step %s, %s. Each carries the label k8slab.dev/lab=%s; --dry-run lists them.", v.Step, counts, v.Lab),
			fmt.Sprintf("k8slab が作ったクラスターではありません。ステップ %s のために%s。どれにもラベル k8slab.dev/lab=%s が付きます。一覧は --dry-run で見られます。", v.Step, counts, v.Lab))
		for _, note := range slices.Concat(fitNotes(v.Steps), v.Notes) {
			fmt.Fprint(inv.Err, screen.Paragraph("! "+note.In(inv.lang), 2))
		}
		if yes {
			return nil
		}
		if !inv.InTTY {
			return problem.New(problem.Usage,
				fmt.Sprintf("nobody can be asked whether %s may be changed: there is no terminal. Nothing was changed; --yes says that it may", v.Host.Server),
				fmt.Sprintf("端末がないため、%s を変更してよいか確認できません。何も変更していません。よければ --yes を付けてください", v.Host.Server),
				v.Command+" --dry-run")
		}
		fmt.Fprint(inv.Err, inv.say("May this cluster be changed? [y/N] ", "このクラスターを変更しますか？ [y/N] "))
		answer, err := inv.readLine(ctx)
		if err != nil {
			return err
		}
		switch strings.ToLower(answer) {
		case "y", "yes", "はい":
			return nil
		}
		return problem.New(problem.Usage,
			fmt.Sprintf("nothing was changed on %s", v.Host.Server), fmt.Sprintf("%s は何も変更していません", v.Host.Server), v.Command+" --dry-run")
	}
}

// readLine waits for a line that is typed, or for Ctrl-C. The end of the input is an empty line.
func (inv *invocation) readLine(ctx context.Context) (string, error) {
	typed := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(inv.In).ReadString('\n')
		typed <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(inv.Err)
		return "", ctx.Err()
	case line := <-typed:
		return line, nil
	}
}

func (inv *invocation) hostRows(h *cluster.Host) [][2]string {
	rows := [][2]string{
		{inv.say("context", "コンテキスト"), h.Context},
		{inv.say("server", "サーバー"), h.Server},
		{inv.say("you are", "ユーザー"), h.User},
		{"Kubernetes", h.Version},
		{inv.say("nodes", "ノード"), fmt.Sprint(len(h.Nodes))},
	}
	for _, sign := range h.Production {
		rows = append(rows, [2]string{inv.say("careful", "注意"), sign.In(inv.lang)})
	}
	return rows
}

// countText says how many objects are made and how many go.
func (inv *invocation) countText(changes []engine.Change) string {
	made, gone := 0, 0
	for _, c := range changes {
		switch c.Action {
		case engine.Create:
			made++
		case engine.Replace:
			made, gone = made+1, gone+1
		case engine.Remove:
			gone++
		}
	}
	text := fmt.Sprintf(inv.say("objects to create: %d", "作るオブジェクトは %d 個です"), made)
	if gone > 0 {
		text += fmt.Sprintf(inv.say(", of the lab's own to remove first: %d", "。先に消すラボ自身のものは %d 個です"), gone)
	}
	return text
}

// dryRun lists what would be done.
func (inv *invocation) dryRun(ctx context.Context, eng Engine, lab string, opts engine.StartOptions) error {
	v, err := eng.PlanVisit(ctx, lab, opts, nil)
	if err != nil {
		return err
	}
	if inv.asJSON() {
		return inv.printJSON(v)
	}
	screen := inv.screen()
	var rows [][]string
	for _, c := range v.Changes {
		dry := inv.say("yes", "済")
		if !c.DryRun {
			dry = "–"
		}
		rows = append(rows, []string{inv.actionWord(c.Action), c.Kind, orDash(c.Namespace), c.Name, dry})
	}
	text := screen.Definitions(inv.hostRows(v.Host)) + "\n" + screen.Table([]terminal.Column{
		{Title: inv.say("ACTION", "操作")}, {Title: inv.say("KIND", "種類")}, {Title: "NAMESPACE"},
		{Title: inv.say("NAME", "名前"), Wrap: true}, {Title: inv.say("DRY RUN", "ドライラン")},
	}, rows)
	for _, note := range slices.Concat(fitNotes(v.Steps), v.Notes) {
		text += screen.Paragraph("! "+note.In(inv.lang), 2)
	}
	if err := inv.print(text); err != nil {
		return err
	}
	inv.narrate("Nothing was changed. DRY RUN: the server has gone through the object; the others stand in a namespace that is not there yet, or are the lab's own from before. Later steps bring objects of their own; --step STEP shows them.",
		"何も変更していません。「ドライラン」が済のものはサーバーが受け付けることを確認しました。それ以外は、まだない Namespace に入るものか、前からあるラボ自身のものです。後のステップのオブジェクトは --step STEP で確かめられます。")
	inv.next(v.Command)
	return nil
}

// fitNotes say what of the lab cannot be played on the cluster, and what not judged; nothing where all can.
func fitNotes(fits []engine.Fit) []content.Text {
	var notes []content.Text
	var names, lacks []string
	all, leftOut := 0, 0
	for _, fit := range fits {
		if fit.Unplayable != nil {
			notes = append(notes, content.Text{EN: "cannot be played there: " + fit.Unplayable.EN, JA: "実行できないステップ: " + fit.Unplayable.JA})
			continue
		}
		names, lacks = append(names, fit.Step), append(lacks, fit.Lacks...)
		all, leftOut = all+fit.Checks, leftOut+fit.NotJudged
	}
	if len(notes) > 0 {
		notes = slices.Insert(notes, 0, content.Text{
			EN: fmt.Sprintf("%d of %d steps can be played there: %s", len(names), len(fits), strings.Join(names, ", ")),
			JA: fmt.Sprintf("実行できるのは %[2]d ステップ中 %[1]d ステップです: %[3]s", len(names), len(fits), strings.Join(names, "、")),
		})
	}
	if leftOut > 0 {
		slices.Sort(lacks)
		need := strings.Join(slices.Compact(lacks), ", ")
		notes = append(notes, content.Text{
			EN: fmt.Sprintf("%d of %d checks need %s, which this cluster does not have; they are not judged, and cost no point", leftOut, all, need),
			JA: fmt.Sprintf("チェック %[2]d 項目のうち %[1]d 項目は、このクラスターに %[3]s がないため判定しません。減点もありません", leftOut, all, need),
		})
	}
	return notes
}

func (inv *invocation) actionWord(a engine.Action) string {
	words := map[engine.Action]content.Text{
		engine.Create:  {EN: "create", JA: "作成"},
		engine.Replace: {EN: "replace", JA: "作り直し"},
		engine.Update:  {EN: "update", JA: "更新"},
		engine.Remove:  {EN: "remove", JA: "削除"},
	}
	return words[a].In(inv.lang)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func newDelete(inv *invocation) *cobra.Command {
	forget := false
	cmd := inv.command("delete [LAB] [--forget]",
		content.Text{EN: "Delete a lab's cluster; your points are kept", JA: "ラボのクラスターを削除します。得点は残ります"},
		content.Text{
			EN: "Delete the lab's cluster. A cluster that k8slab did not make stays: removed is what carries the label k8slab.dev/lab=LAB, of whatever kind, and told is what could not be removed. --forget is for such a cluster when it is out of reach: nothing is removed, and k8slab no longer knows of it.",
			JA: "ラボのクラスターを削除します。k8slab が作ったのではないクラスターは残り、ラベル k8slab.dev/lab=LAB の付いたものだけを種類を問わず削除して、削除できなかったものを示します。そうしたクラスターに届かなくなったときは --forget を使います。何も削除せず、k8slab の記録からだけ外します。",
		})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeLabs
	cmd.Flags().BoolVar(&forget, "forget", false, inv.say("leave a cluster that is not k8slab's own as it is, and forget it", "k8slab のものではないクラスターをそのままにして、記録から外します"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			inv.lab = args[0]
		}
		eng, lab, err := inv.labWithCluster(cmd.Context())
		if err != nil {
			return err
		}
		if forget {
			return inv.forget(cmd.Context(), eng, lab)
		}
		var left *cluster.Departure
		err = inv.phases(func(p cluster.Progress) error {
			left, err = eng.Delete(cmd.Context(), lab, p)
			return err
		})
		if err != nil {
			return err
		}
		if left == nil {
			inv.narrate(fmt.Sprintf("The cluster of %s is deleted; your points are kept.", lab), fmt.Sprintf("%s のクラスターを削除しました。得点は残っています。", lab))
		} else {
			inv.tellDeparture(lab, left)
		}
		if left != nil && len(left.Left) > 0 {
			inv.next("k8slab delete " + lab) // the lab is not forgotten before all of it is gone
			return nil
		}
		inv.next("k8slab start " + lab)
		return nil
	}
	return inv.withLab(cmd)
}

func (inv *invocation) forget(ctx context.Context, eng Engine, lab string) error {
	if err := eng.Forget(ctx, lab); err != nil {
		return err
	}
	inv.narrate(fmt.Sprintf("k8slab no longer knows of the cluster of %[1]s. What the lab made there is still there, with the label k8slab.dev/lab=%[1]s.", lab),
		fmt.Sprintf("%[1]s のクラスターを記録から外しました。ラボが作ったものは、ラベル k8slab.dev/lab=%[1]s が付いたままそこに残っています。", lab))
	inv.next("k8slab start " + lab)
	return nil
}

// tellDeparture says what is gone and what is left.
func (inv *invocation) tellDeparture(lab string, d *cluster.Departure) {
	inv.narrate(fmt.Sprintf("Removed from %s: %d, all that carried the label of %s and could go. The cluster stays, and your points are kept.", d.Server, len(d.Removed), lab),
		fmt.Sprintf("%[2]s のオブジェクトを %[1]d 個 %[3]s から削除しました。クラスターはそのままで、得点も残っています。", len(d.Removed), lab, d.Server))
	list := func(names []string, en, ja string) {
		if len(names) == 0 {
			return
		}
		inv.narrate(en, ja)
		for _, name := range names {
			fmt.Fprint(inv.Err, inv.errScreen().Paragraph("• "+name, 2))
		}
	}
	list(d.Uncordoned, "Uncordoned, as they were when the lab began:", "始めたときと同じく、Pod を受け入れる状態に戻したノード:")
	list(d.Cordoned, "Left cordoned; they took pods when the lab began, and nodes are not k8slab's to change here:", "cordon されたままのノード。始めたときは Pod を受け入れていましたが、ここのノードは k8slab が変更できません:")
	list(d.Left, "Left, because they could not be deleted or a finalizer holds them:", "権限、webhook、finalizer などのために削除できず、残ったもの:")
	list(d.Unseen, "Not looked at, because they could not be listed:", "一覧できず、確かめられなかった種類:")
}
