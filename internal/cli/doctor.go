package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/machine"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/progress"
)

// finding is one line of doctor.
type finding struct {
	Name string `json:"name"`
	// State is "ok", "note" or "problem".
	State string       `json:"state"`
	Found content.Text `json:"found"`
	Next  string       `json:"next,omitempty"`

	kind problem.Kind
}

func newDoctor(inv *invocation) *cobra.Command {
	kind := ""
	var place cluster.Place
	cmd := inv.command("doctor [--cluster kind|existing|aks ...] [-o json]",
		content.Text{EN: "Look for what could keep labs from working on this machine", JA: "このマシンでラボの妨げになるものを調べます"},
		content.Text{
			EN: "Look at the state folder and its free space, the journal of your progress, memory, ports, the executables of the control plane, and variables that could mislead, and say for each what to do. Nothing is changed.\n\nWith --cluster kind, look at what containers need instead: Docker or Podman, memory, and the node images.\n\nWith --cluster existing or --cluster aks and the flags that name a cluster, look at that cluster instead: whether it can be reached, as whom, and whether it looks like production; for AKS also the sign-in, the subscription, power state, the region's versions, local accounts, quota and role.",
			JA: "状態フォルダーとその空き容量、進み具合の記録、メモリー、ポート、コントロールプレーンの実行ファイル、紛らわしい環境変数を調べ、それぞれどうすればよいかを示します。何も変更しません。\n\n--cluster kind を付けると、代わりにコンテナーのクラスターに必要なもの (Docker か Podman、メモリー、ノードイメージ) を調べます。\n\n--cluster existing または --cluster aks とクラスターを指定するフラグを付けると、代わりにそのクラスターを調べます。届くかどうか、誰として扱われるか、本番環境のように見えないかを確かめ、AKS ではさらにサインイン、サブスクリプション、電源状態、リージョンのバージョン、ローカルアカウント、クォータ、ロールも確かめます。",
		})
	cmd.Flags().StringVar(&kind, "cluster", "", inv.say("look at a cluster of this kind instead", "このマシンの代わりに、この種類のクラスターを調べます"))
	_ = cmd.RegisterFlagCompletionFunc("cluster", inv.completeProviders)
	inv.addPlace(cmd, &place)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var findings []finding
		var err error
		if kind == "" && place.IsZero() {
			findings = inv.examine(cmd.Context())
		} else if findings, err = inv.examineHost(cmd.Context(), kind, place); err != nil {
			return err
		}
		if inv.asJSON() {
			err = inv.printJSON(findings)
		} else {
			err = inv.print(inv.findingsText(findings))
		}
		if err != nil {
			return err
		}
		for _, f := range findings {
			if f.State == "problem" {
				return exit(exitCodeOf(f.kind))
			}
		}
		return nil
	}
	return inv.withOutput(cmd)
}

func (inv *invocation) examine(ctx context.Context) []finding {
	findings := []finding{inv.examineState()}
	if dir, err := inv.stateDir(); err == nil {
		if findings[0].State == "ok" {
			findings = append(findings, examineJournal(filepath.Join(dir, "journal.jsonl")))
		}
		findings = append(findings, examineDisk(dir))
	}
	findings = append(findings, examineMemory(machine.Proc)...)
	findings = append(findings, examineLoopback())
	findings = append(findings, inv.examineLabs(ctx, findings[0].State == "ok")...)
	return append(findings, inv.examineKubeconfig())
}

// otherReleases are what `make build` brings beside the releases that labs need today: upgrades begin at the older one.
var otherReleases = [...]string{"1.37", "1.36"}

// examineLabs looks at the labs and the control planes that they need. stateWorks: without that the engine's error
// is one that was found already.
func (inv *invocation) examineLabs(ctx context.Context, stateWorks bool) []finding {
	var findings []finding
	eng, err := inv.engine()
	if err != nil {
		if stateWorks {
			findings = append(findings, findingOf("labs", err))
		}
		return findings
	}
	labs, err := eng.Labs(ctx)
	if err != nil {
		return append(findings, findingOf("labs", err))
	}
	findings = append(findings, finding{Name: "labs", State: "ok", Found: content.Text{EN: fmt.Sprintf("all are whole (%d)", len(labs)), JA: fmt.Sprintf("%d 個のラボに問題はありません", len(labs))}})
	findings = append(findings, examineSources(ctx, eng)...)
	needs := map[string][]string{} // ids of labs by the release that they begin with
	for _, l := range labs {
		release := l.Lab.Cluster.Release
		needs[release] = append(needs[release], l.Lab.ID)
	}
	releases := slices.Sorted(maps.Keys(needs))
	slices.Reverse(releases)
	for _, release := range otherReleases {
		if !slices.Contains(releases, release) {
			releases = append(releases, release)
		}
	}
	var examined []finding
	for _, release := range releases {
		examined = append(examined, examineRelease(ctx, eng, release))
	}
	return append(findings, toleratingMissing(examined, releases, needs)...)
}

// toleratingMissing calls a control plane that is missing a problem only if no lab can be played without it.
func toleratingMissing(examined []finding, releases []string, needs map[string][]string) []finding {
	playable := false
	for i, release := range releases {
		playable = playable || len(needs[release]) > 0 && examined[i].State == "ok"
	}
	for i, release := range releases {
		f := &examined[i]
		switch ids := strings.Join(needs[release], ", "); {
		case f.State != "problem":
		case ids == "":
			f.State = "note"
			f.Found.EN += "; no lab that is here needs it"
			f.Found.JA += "。今あるラボには必要ありません"
		case playable:
			f.State = "note"
			f.Found.EN += "; needed for " + ids + " only"
			f.Found.JA += "。必要なのは " + ids + " だけです"
		}
	}
	return examined
}

func (inv *invocation) examineState() finding {
	dir, err := inv.stateDir()
	if err != nil {
		return findingOf("state", err)
	}
	if _, err := progress.Open(filepath.Join(dir, "journal.jsonl")); err != nil {
		return findingOf("state", err)
	}
	return finding{Name: "state", State: "ok", Found: content.Text{EN: dir + " can be written", JA: dir + " に書き込めます"}}
}

func examineJournal(path string) finding {
	j, err := progress.Open(path)
	if err != nil {
		return findingOf("journal", err)
	}
	events, damage, err := j.Read()
	if err != nil {
		return findingOf("journal", err)
	}
	aside := ""
	if _, err := os.Stat(j.DamagedPath()); err == nil {
		aside = j.DamagedPath()
	}
	if len(damage) == 0 && aside == "" {
		return finding{Name: "journal", State: "ok", Found: content.Text{EN: fmt.Sprintf("%d events, all of them whole", len(events)), JA: fmt.Sprintf("%d 件の記録に問題はありません", len(events))}}
	}
	if aside == "" {
		aside = path
	}
	return finding{Name: "journal", State: "note", Found: content.Text{
		EN: fmt.Sprintf("%d events; a line that could not be read was left out, see %s", len(events), aside),
		JA: fmt.Sprintf("%d 件の記録があります。読めなかった行は除いてあります: %s", len(events), aside),
	}}
}

func examineRelease(ctx context.Context, eng Engine, release string) finding {
	name := "Kubernetes " + release
	p, err := eng.Provider("")
	if err != nil {
		return findingOf(name, err)
	}
	if err := p.Available(ctx, cluster.Spec{Release: release}); err != nil {
		return findingOf(name, err)
	}
	return finding{Name: name, State: "ok", Found: content.Text{EN: "the control plane is there", JA: "コントロールプレーンの実行ファイルがあります"}}
}

func (inv *invocation) examineKubeconfig() finding {
	f := finding{Name: "KUBECONFIG", State: "ok", Found: content.Text{EN: "not set", JA: "設定されていません"}}
	if value := inv.Getenv("KUBECONFIG"); value != "" {
		f.State = "note"
		f.Found = content.Text{
			EN: fmt.Sprintf("is %s in this shell; k8slab neither uses nor changes it, but a kubectl that you type here talks to it", value),
			JA: fmt.Sprintf("このシェルでは %s です。k8slab は使わず変更もしませんが、ここで直接打つ kubectl はその先につながります", value),
		}
		f.Next = "k8slab shell"
	}
	return f
}

func findingOf(name string, err error) finding {
	f := cluster.FindingOf(name, err)
	return finding{Name: f.Name, State: f.State, Found: f.Found, Next: f.Next, kind: problem.KindOf(err)}
}

func (inv *invocation) findingsText(findings []finding) string {
	screen := inv.screen()
	var b strings.Builder
	rows := make([][2]string, len(findings))
	for i, f := range findings {
		sign := map[string]string{"ok": "✓", "note": "!", "problem": "✗"}[f.State]
		rows[i] = [2]string{sign + " " + f.Name, f.Found.In(inv.lang)}
	}
	b.WriteString(screen.Definitions(rows))
	for _, f := range findings {
		if f.Next != "" {
			b.WriteString(screen.Next(f.Next))
		}
	}
	return b.String()
}
