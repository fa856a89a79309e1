package cli

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/machine"
	"github.com/k8slab/k8slab/engine/progress"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

// findingAnswer is one line of doctor as doctor -o json prints it.
type findingAnswer struct {
	Name  string    `json:"name"`
	State string    `json:"state"`
	Found text.Text `json:"found"`
	// Next is what to type.
	Next string `json:"next,omitempty"`
}

func findingAnswers(findings []present.Finding) []findingAnswer {
	var answers []findingAnswer
	for _, f := range findings {
		answers = append(answers, findingAnswer{Name: f.Name, State: f.State, Found: f.Found, Next: present.Command(f.Next)})
	}
	return answers
}

func newDoctor(inv *invocation) *cobra.Command {
	kind := ""
	var place cluster.Place
	cmd := inv.command("doctor [--cluster kind|existing|aks ...] [-o json]",
		text.Text{EN: "Look for what could keep labs from working on this machine", JA: "このマシンでラボの妨げになるものを調べます"},
		text.Text{
			EN: "Look at the state folder and its free space, the journal of your progress, memory, ports, the executables of the control plane, and variables that could mislead, and say for each what to do. Nothing is changed.\n\nWith --cluster kind, look at what containers need instead: Docker or Podman, memory, and the node images.\n\nWith --cluster existing or --cluster aks and the flags that name a cluster, look at that cluster instead: whether it can be reached, as whom, and whether it looks like production; for AKS also the sign-in, the subscription, power state, the region's versions, local accounts, quota and role.",
			JA: "状態フォルダーとその空き容量、進み具合の記録、メモリー、ポート、コントロールプレーンの実行ファイル、紛らわしい環境変数を調べ、それぞれどうすればよいかを示します。何も変更しません。\n\n--cluster kind を付けると、代わりにコンテナーのクラスターに必要なもの (Docker か Podman、メモリー、ノードイメージ) を調べます。\n\n--cluster existing または --cluster aks とクラスターを指定するフラグを付けると、代わりにそのクラスターを調べます。届くかどうか、誰として扱われるか、本番環境のように見えないかを確かめ、AKS ではさらにサインイン、サブスクリプション、電源状態、リージョンのバージョン、ローカルアカウント、クォータ、ロールも確かめます。",
		})
	cmd.Flags().StringVar(&kind, "cluster", "", inv.say("look at a cluster of this kind instead", "このマシンの代わりに、この種類のクラスターを調べます"))
	_ = cmd.RegisterFlagCompletionFunc("cluster", inv.completeProviders)
	inv.addPlace(cmd, &place)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var findings []present.Finding
		var err error
		if kind == "" && place.IsZero() {
			findings = inv.examine(cmd.Context())
		} else if findings, err = inv.examineHost(cmd.Context(), kind, place); err != nil {
			return err
		}
		if inv.asJSON() {
			err = inv.printJSON(findingAnswers(findings))
		} else {
			err = inv.print(inv.screen().Findings(findings))
		}
		if err != nil {
			return err
		}
		for _, f := range findings {
			if f.State == present.FindingProblem {
				return exit(exitCodeOf(f.Kind))
			}
		}
		return nil
	}
	return inv.withOutput(cmd)
}

func (inv *invocation) examine(ctx context.Context) []present.Finding {
	findings := []present.Finding{inv.examineState()}
	if dir, err := inv.stateDir(); err == nil {
		if findings[0].State == present.FindingOK {
			findings = append(findings, examineJournal(filepath.Join(dir, "journal.jsonl")))
		}
		findings = append(findings, examineDisk(dir))
	}
	findings = append(findings, examineMemory(machine.Proc)...)
	findings = append(findings, examineLoopback())
	findings = append(findings, inv.examineLabs(ctx, findings[0].State == present.FindingOK)...)
	return append(findings, inv.examineKubeconfig())
}

// otherReleases are the releases that `make build` builds even if no lab begins with them: upgrades begin at the older
// one.
var otherReleases = [...]string{"1.37", "1.36"}

// examineLabs looks at the labs and at the control planes that they need. stateWorks says that the state folder works;
// otherwise the engine's error was found already.
func (inv *invocation) examineLabs(ctx context.Context, stateWorks bool) []present.Finding {
	var findings []present.Finding
	eng, err := inv.engine()
	if err != nil {
		if stateWorks {
			findings = append(findings, present.FindingOf("labs", err))
		}
		return findings
	}
	labs, err := eng.Labs(ctx)
	if err != nil {
		return append(findings, present.FindingOf("labs", err))
	}
	findings = append(findings, present.Finding{Name: "labs", State: present.FindingOK, Found: text.New("all are in order (%d)", "%d 個のラボに問題はありません", len(labs))})
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
	var examined []present.Finding
	for _, release := range releases {
		examined = append(examined, examineRelease(ctx, eng, release))
	}
	return append(findings, toleratingMissing(examined, releases, needs)...)
}

// toleratingMissing makes a missing control plane a problem only if no lab can be played without it.
func toleratingMissing(examined []present.Finding, releases []string, needs map[string][]string) []present.Finding {
	playable := false
	for i, release := range releases {
		playable = playable || len(needs[release]) > 0 && examined[i].State == present.FindingOK
	}
	for i, release := range releases {
		f := &examined[i]
		switch ids := strings.Join(needs[release], ", "); {
		case f.State != present.FindingProblem:
		case ids == "":
			f.State = present.FindingNote
			f.Found.EN += "; no lab here needs it"
			f.Found.JA += "。今あるラボには必要ありません"
		case playable:
			f.State = present.FindingNote
			f.Found.EN += "; needed only for " + ids
			f.Found.JA += "。必要なのは " + ids + " だけです"
		}
	}
	return examined
}

func (inv *invocation) examineState() present.Finding {
	dir, err := inv.stateDir()
	if err != nil {
		return present.FindingOf("state", err)
	}
	if _, err := progress.Open(filepath.Join(dir, "journal.jsonl")); err != nil {
		return present.FindingOf("state", err)
	}
	return present.Finding{Name: "state", State: present.FindingOK, Found: text.Text{EN: dir + " can be written", JA: dir + " に書き込めます"}}
}

func examineJournal(path string) present.Finding {
	j, err := progress.Open(path)
	if err != nil {
		return present.FindingOf("journal", err)
	}
	events, damage, err := j.Read()
	if err != nil {
		return present.FindingOf("journal", err)
	}
	aside := ""
	if _, err := os.Stat(j.DamagedPath()); err == nil {
		aside = j.DamagedPath()
	}
	if len(damage) == 0 && aside == "" {
		return present.Finding{Name: "journal", State: present.FindingOK, Found: text.New("%d events, all of them readable", "%d 件の記録に問題はありません", len(events))}
	}
	if aside == "" {
		aside = path
	}
	return present.Finding{Name: "journal", State: present.FindingNote, Found: text.New("%d events; a line that could not be read was left out, see %s", "%d 件の記録があります。読めなかった行は除いてあります: %s", len(events), aside)}
}

func examineRelease(ctx context.Context, eng Engine, release string) present.Finding {
	name := "Kubernetes " + release
	p, err := eng.Provider("")
	if err != nil {
		return present.FindingOf(name, err)
	}
	if err := p.Available(ctx, cluster.Spec{Release: release}); err != nil {
		return present.FindingOf(name, err)
	}
	return present.Finding{Name: name, State: present.FindingOK, Found: text.Text{EN: "the control plane is there", JA: "コントロールプレーンの実行ファイルがあります"}}
}

func (inv *invocation) examineKubeconfig() present.Finding {
	f := present.Finding{Name: "KUBECONFIG", State: present.FindingOK, Found: text.Text{EN: "not set", JA: "設定されていません"}}
	if value := inv.Getenv("KUBECONFIG"); value != "" {
		f.State = present.FindingNote
		f.Found = text.New("is %s in this shell; k8slab neither uses nor changes it, but a kubectl that you type here talks to it", "このシェルでは %s です。k8slab は使わず変更もしませんが、ここで直接打つ kubectl はその先につながります", value)
		f.Next = action.Do(action.Shell)
	}
	return f
}
