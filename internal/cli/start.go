package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

func newStart(inv *invocation) *cobra.Command {
	var opts engine.StartOptions
	visit := visitFlags{}
	cmd := inv.command("start [LAB] [--step STEP] [--restart] [--from SOURCE] [--cluster KIND] [--api-port PORT] [--dry-run]",
		text.Text{EN: "Start a lab, or go on with it", JA: "ラボを始めます。途中からの再開にも使います"},
		text.Text{
			EN: "Bring up the lab's cluster, make the starting state of the step, and show the lesson. A lab that is under way goes on where you were, with your work as you left it; this also repairs an interrupted start. Without LAB, the current lab goes on.\n\n--from takes the lab from elsewhere: from a folder, from a git repository (GIT-URL[@REF][//FOLDER]), or from a source that was added (see k8slab source add --help). The lab is data, and none of it is run on this machine.\n\n--cluster existing plays on the cluster of a context in your kubeconfig, --cluster aks on a cluster of Azure Kubernetes Service. k8slab looks at such a cluster first. It refuses a cluster that looks like production, and a lab whose objects would take the place of others. Then you are told which steps cannot be played there and which checks cannot be judged, and asked before the first change. Only what carries the label k8slab.dev/lab is ever changed or removed, and your own kubeconfig is never written.",
			JA: "ラボのクラスターを起動し、ステップの初期状態を用意して、レッスンを表示します。途中のラボは、やりかけの状態のまま続きから始まります。起動が途中で止まったときも、もう一度実行すれば直ります。LAB を省くと今のラボを続けます。\n\n--from を付けると、フォルダー、git リポジトリ (GIT-URL[@REF][//FOLDER])、追加済みのソースのラボを使います (k8slab source add --help を参照)。内容はデータとして読むだけで、このマシンで実行されることはありません。\n\n--cluster existing では kubeconfig のコンテキストで指定したクラスターを、--cluster aks では Azure Kubernetes Service のクラスターを使います。どちらも先にクラスターを調べ、本番環境のようなクラスターや、ほかの人のオブジェクトと名前がぶつかるラボは断ります。そのうえで、実行できないステップや判定できないチェックを示し、最初の変更の前に確認します。変更や削除の対象になるのは k8slab.dev/lab ラベルの付いたものだけです。ご自身の kubeconfig には書き込みません。",
		})
	cmd.Args = between(0, 1)
	cmd.ValidArgsFunction = inv.completeLabs
	cmd.Flags().StringVar(&opts.Step, "step", "", inv.say("begin with this step", "このステップから始めます"))
	cmd.Flags().StringVar(&opts.Provider, "cluster", "", inv.say("kind of cluster: embedded (default); kind, whose nodes are containers of Docker or Podman; existing or aks, for a cluster that exists already", "クラスターの種類。embedded (既定)、ノードが Docker や Podman のコンテナーになる kind、すでにあるクラスターを使う existing と aks"))
	cmd.Flags().IntVar(&opts.APIPort, "api-port", 0, inv.say("port of the API server on this machine (default: a free one)", "API サーバーのポート (既定は空いているもの)"))
	cmd.Flags().BoolVar(&opts.Restart, "restart", false, inv.say("begin a new attempt at the first step", "最初のステップから新しくやり直します"))
	cmd.Flags().StringVar(&opts.From, "from", "", inv.say("folder, git repository or added source of the lab", "ラボのあるフォルダー、git リポジトリ、追加済みのソース"))
	inv.addPlace(cmd, &opts.Place)
	inv.addVisit(cmd, &opts, &visit)
	_ = cmd.RegisterFlagCompletionFunc("from", inv.completeSourcesOrFolders)
	_ = cmd.RegisterFlagCompletionFunc("cluster", inv.completeProviders)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if opts.APIPort < 0 || opts.APIPort > 65535 {
			return problem.New(problem.Usage, text.New("%d is not a port", "%d はポート番号ではありません", opts.APIPort), action.HelpOn(action.Start))
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
			return problem.New(problem.Usage, text.New("-o json goes with --dry-run", "-o json は --dry-run と一緒に使います"), action.HelpOn(action.Start))
		}
		opts.Consent = inv.consent(visit.yes)
		var play Play
		err = inv.phases(func(p cluster.Progress) error {
			play, err = eng.Start(cmd.Context(), lab, opts, p)
			return err
		})
		if err != nil {
			return err
		}
		s := play.Session()
		if s.Resumed {
			inv.narrate("This lab was under way: it goes on where you were, with your work as you left it.",
				"進行中のラボです。前回の続きから、やりかけの状態のまま再開します。")
		}
		if s.Cluster != nil {
			if err := inv.introduce(s.Cluster, play.Provider()); err != nil {
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
	play, err := eng.Open(cmd.Context(), "")
	if problem.KindOf(err) == problem.Usage && err != nil {
		return "", problem.New(problem.Usage, text.New("say which lab to start: no lab is under way", "始めるラボを指定してください。進行中のラボはありません"), action.Do(action.List)).From(err)
	}
	if err != nil {
		return "", err
	}
	return play.Session().Lab.ID, nil
}

// arrive shows the step at which a command has arrived.
func (inv *invocation) arrive(s *engine.Session) error {
	inv.rememberPrompt(s)
	if err := inv.showLesson(s); err != nil {
		return err
	}
	if inv.Getenv("K8SLAB_LAB") == s.Lab.ID {
		inv.next(action.Do(action.Check)) // the command was typed in the lab's own shell
		return nil
	}
	inv.next(action.Do(action.Shell))
	return nil
}

// introduce says what the cluster is, and hides nothing that is simulated.
func (inv *invocation) introduce(c *cluster.Cluster, p cluster.Provider) error {
	_, foreign := cluster.As[cluster.Guest](p)
	inv.tell(present.Introduction(c, slices.Contains(cluster.CapabilitiesOf(p), cluster.Simulated), foreign))
	_, err := fmt.Fprintln(inv.Err)
	return err
}

func newLesson(inv *invocation) *cobra.Command {
	cmd := inv.command("lesson [--lab LAB]",
		text.Text{EN: "Show the lesson of the current step again", JA: "今のステップのレッスンをもう一度表示します"}, text.Text{})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_, s, err := inv.open(cmd.Context())
		if err != nil {
			return err
		}
		if err := inv.showLesson(s); err != nil {
			return err
		}
		inv.next(action.Do(action.Check))
		return nil
	}
	return inv.withLab(cmd)
}

func (inv *invocation) showLesson(s *engine.Session) error {
	lesson, err := present.LessonOf(s, inv.lang)
	if err != nil {
		return err
	}
	return inv.printMarkdown(lesson.Markdown())
}

func (inv *invocation) printMarkdown(markdown string) error {
	text, err := inv.screen().Markdown(markdown)
	if err != nil {
		return err
	}
	return inv.print(text + "\n")
}
