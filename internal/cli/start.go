package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

func newStart(inv *invocation) *cobra.Command {
	var opts engine.StartOptions
	visit := visitFlags{}
	cmd := inv.command("start [LAB] [--step STEP] [--restart] [--from SOURCE] [--cluster KIND] [--api-port PORT] [--dry-run]",
		content.Text{EN: "Start a lab, or go on with it", JA: "ラボを始めます。途中からの再開にも使います"},
		content.Text{
			EN: "Bring up the lab's cluster, make the starting state of the step, and show the lesson. A lab that is under way goes on where it was, with your work as you left it; so this also repairs a start that was interrupted. Without LAB, the current lab goes on.\n\n--from takes the lab from elsewhere: from a folder, from a git repository (GIT-URL[@REF][//FOLDER]), or from a source that was added (see k8slab source add --help). What is in it is data, and none of it is run on this machine.\n\n--cluster existing plays on the cluster of a context in your kubeconfig, --cluster aks on a cluster of Azure Kubernetes Service. Such a cluster is looked at first. One that looks like production is refused, and so is a lab whose objects would take the place of others. Then you are told which steps cannot be played there and which checks cannot be judged, and asked before the first change. Only what carries the label k8slab.dev/lab is ever changed or removed, and your own kubeconfig is never written.",
			JA: "ラボのクラスターを起動し、ステップの初期状態を用意して、レッスンを表示します。途中のラボは、やりかけの状態のまま続きから始まります。起動が途中で止まったときも、もう一度実行すれば直ります。LAB を省くと今のラボを続けます。\n\n--from を付けると、フォルダー、git リポジトリ (GIT-URL[@REF][//FOLDER])、追加済みのソースのラボを使います (k8slab source add --help を参照)。内容はデータとして読むだけで、このマシンで実行されることはありません。\n\n--cluster existing では kubeconfig のコンテキストで指定したクラスターを、--cluster aks では Azure Kubernetes Service のクラスターを使います。どちらも先にクラスターを調べ、本番環境のようなクラスターや、ほかの人のオブジェクトと名前がぶつかるラボは断ります。そのうえで、実行できないステップや判定できないチェックを示し、最初の変更の前に確認します。変更や削除の対象になるのは k8slab.dev/lab ラベルの付いたものだけです。ご自身の kubeconfig には書き込みません。",
		})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeLabs
	cmd.Flags().StringVar(&opts.Step, "step", "", inv.say("begin with this step", "このステップから始めます"))
	cmd.Flags().StringVar(&opts.Provider, "cluster", "", inv.say("kind of cluster: embedded (default); kind, whose nodes are containers of Docker or Podman; existing or aks, which are there already", "クラスターの種類。embedded (既定)、ノードが Docker や Podman のコンテナーになる kind、すでにあるクラスターを使う existing と aks"))
	cmd.Flags().IntVar(&opts.APIPort, "api-port", 0, inv.say("port of the API server on this machine (default: a free one)", "API サーバーのポート (既定は空いているもの)"))
	cmd.Flags().BoolVar(&opts.Restart, "restart", false, inv.say("begin a new attempt at the first step", "最初のステップから新しくやり直します"))
	cmd.Flags().StringVar(&opts.From, "from", "", inv.say("folder, git repository or added source of the lab", "ラボのあるフォルダー、git リポジトリ、追加済みのソース"))
	inv.addPlace(cmd, &opts.Place)
	inv.addVisit(cmd, &opts, &visit)
	_ = cmd.RegisterFlagCompletionFunc("from", inv.completeSourcesOrFolders)
	_ = cmd.RegisterFlagCompletionFunc("cluster", inv.completeProviders)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if opts.APIPort < 0 || opts.APIPort > 65535 {
			return problem.New(problem.Usage, fmt.Sprintf("%d is not a port", opts.APIPort), fmt.Sprintf("%d はポート番号ではありません", opts.APIPort), "k8slab start --help")
		}
		eng, err := inv.engine()
		if err != nil {
			return err
		}
		lab, err := inv.labToStart(cmd, eng, args, opts.From)
		if err != nil {
			return err
		}
		if err := inv.mentionDamage(eng, inJournal); err != nil {
			return err
		}
		if visit.dryRun {
			return inv.dryRun(cmd.Context(), eng, lab, opts)
		}
		if inv.asJSON() {
			return problem.New(problem.Usage, "-o json goes with --dry-run", "-o json は --dry-run と一緒に使います", "k8slab start --help")
		}
		opts.Consent = inv.consent(visit.yes)
		var s *engine.Session
		err = inv.phases(func(p cluster.Progress) error {
			s, err = eng.Start(cmd.Context(), lab, opts, p)
			return err
		})
		if err != nil {
			return err
		}
		if s.Resumed {
			inv.narrate("This lab was under way: it goes on where you were, with your work as you left it.",
				"進行中のラボです。前回の続きから、やりかけの状態のまま再開します。")
		}
		if s.Cluster != nil {
			if err := inv.introduce(s.Cluster); err != nil {
				return err
			}
		}
		return inv.arrive(s)
	}
	return inv.withOutput(inv.withLab(cmd))
}

// completeProviders offers the kinds of cluster.
func (inv *invocation) completeProviders(_ *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	eng, err := inv.engine()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return withPrefix(eng.Providers(), word), cobra.ShellCompDirectiveNoFileComp
}

func (inv *invocation) labToStart(cmd *cobra.Command, eng Engine, args []string, from string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	if from != "" {
		return "", nil // the only lab of the source
	}
	if inv.lab != "" {
		return inv.lab, nil
	}
	s, err := eng.Session(cmd.Context(), "")
	if problem.KindOf(err) == problem.Usage && err != nil {
		return "", problem.New(problem.Usage, "say which lab to start: there is none under way", "始めるラボを指定してください。進行中のラボはありません", "k8slab list").From(err)
	}
	if err != nil {
		return "", err
	}
	return s.Lab.ID, nil
}

// arrive shows the step at which a command has arrived.
func (inv *invocation) arrive(s *engine.Session) error {
	inv.rememberPrompt(s)
	if err := inv.showLesson(s); err != nil {
		return err
	}
	if inv.Getenv("K8SLAB_LAB") == s.Lab.ID {
		inv.next("k8slab check") // it was typed in the lab's own shell
		return nil
	}
	inv.next("k8slab shell")
	return nil
}

// introduce says what the cluster is, and hides nothing that is simulated.
func (inv *invocation) introduce(c *cluster.Cluster) error {
	eng, err := inv.engine()
	if err != nil {
		return err
	}
	p, err := eng.Provider(c.Provider)
	if err != nil {
		return err
	}
	en, ja := fmt.Sprintf("Kubernetes %s answers.", c.Version), fmt.Sprintf("Kubernetes %s が応答しています。", c.Version)
	if slices.Contains(p.Capabilities(), cluster.Simulated) {
		en += " The control plane is real; nodes and pods are simulated."
		ja += "コントロールプレーンは本物で、ノードと Pod は模擬です。"
	}
	if _, ok := p.(cluster.Guest); ok {
		en += fmt.Sprintf(" It is not k8slab's own: %s. Everything here speaks with your credentials.", c.Server)
		ja += fmt.Sprintf("k8slab が作ったクラスターではありません (%s)。すべてご自身の認証情報で操作します。", c.Server)
	}
	inv.narrate(en, ja)
	_, err = fmt.Fprintln(inv.Err)
	return err
}

func newLesson(inv *invocation) *cobra.Command {
	cmd := inv.command("lesson [--lab LAB]",
		content.Text{EN: "Show the lesson of the current step again", JA: "今のステップのレッスンをもう一度表示します"}, content.Text{})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_, s, err := inv.session(cmd.Context())
		if err != nil {
			return err
		}
		if err := inv.showLesson(s); err != nil {
			return err
		}
		inv.next("k8slab check")
		return nil
	}
	return inv.withLab(cmd)
}

func (inv *invocation) showLesson(s *engine.Session) error {
	lesson := s.Step.Lessons[inv.lang]
	if lesson == nil {
		lesson = s.Step.Lessons[content.English]
	}
	if lesson == nil {
		return errors.New("the step " + s.Step.ID + " has no lesson")
	}
	var md strings.Builder
	fmt.Fprintf(&md, "# %s\n\n", lesson.Title)
	fmt.Fprintf(&md, inv.say("*%s, step %d of %d, %d points*\n\n", "*%s ステップ %d / %d、%d 点*\n\n"),
		s.Lab.ID, stepNumber(s.Lab, s.Step), len(s.Lab.Steps), s.Step.Points)
	md.WriteString(lesson.Intro)
	md.WriteString("\n\n" + section(inv.say("Your task", "課題"), lesson.Task))
	if s.Cluster != nil && lesson.Notes[s.Cluster.Provider] != "" {
		md.WriteString("\n\n" + section(inv.say("On this cluster", "このクラスターについて"), lesson.Notes[s.Cluster.Provider]))
	}
	return inv.printMarkdown(md.String())
}

// section puts a heading over a text that does not bring its own.
func section(heading, text string) string {
	if text = strings.TrimSpace(text); strings.HasPrefix(text, "#") {
		return text
	}
	return "## " + heading + "\n\n" + text
}

func (inv *invocation) printMarkdown(markdown string) error {
	text, err := inv.screen().Markdown(markdown)
	if err != nil {
		return err
	}
	return inv.print(text + "\n")
}

func stepNumber(lab *content.Lab, step *content.Step) int {
	for i, s := range lab.Steps {
		if s.ID == step.ID {
			return i + 1
		}
	}
	return 0
}
