package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/atomicfile"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/terminal"
	"github.com/k8slab/k8slab/text"
)

func newVerify(inv *invocation) *cobra.Command {
	r := verify.Runner{Repeat: 1, NearMisses: true}
	chosen := selection{sample: verify.DefaultSample}
	var dir, junit string
	var clusters []string
	cmd := inv.command("verify [LAB…] [--dir DIR] [--step STEP] [--repeat N] [--parallel N] [--cluster KIND,…] [--near-misses=false] [--changed-since REF] [--sample N] [--junit FILE] [-o json]",
		text.Text{EN: "Prove that the labs' checks and answers agree", JA: "ラボのチェックと回答が食い違わないことを検証します"},
		text.Text{
			EN: "For those who write labs. Play every answer that comes with the labs on clusters of its own, and compare what the grader says with what the author says: the starting state fails, the solution and the other right answers pass, each wrong answer fails exactly the check that it names, and every check is failed by a wrong answer. Then play near misses, which are derived from the solution: none may pass, unless step.yaml accepts it with a reason. With --changed-since the labs that a change touches are proved so, and of every other exercise the starting state, the solution and a sample of the wrong answers. Your own labs and points are left alone.",
			JA: "ラボを書く人のためのコマンドです。ラボに付いている回答をすべて専用のクラスターで実行し、採点の結果が作者の意図どおりかを調べます。開始状態は不合格、解答と別解は合格、誤答はそれぞれ名指しした項目だけが不合格になり、どの項目にも不合格となる誤答がなければなりません。さらに、解答から作ったニアミス (惜しい誤答) も実行します。step.yaml の accepts に理由を書いて認めたもの以外は、合格してはいけません。--changed-since を付けると、変更が及ぶラボはすべて、そのほかの演習は開始状態、解答、抜き取った誤答だけを検証します。手元のラボや得点には触れません。",
		})
	cmd.Args = cobra.ArbitraryArgs
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return withPrefix(inv.labIDs(cmd.Context()), word), cobra.ShellCompDirectiveNoFileComp
	}
	cmd.Flags().StringVar(&dir, "dir", "", inv.say("a lab's folder, or a folder of labs, instead of those that come with k8slab", "k8slab 付属のラボの代わりに使う、ラボのフォルダー、またはラボを集めたフォルダー"))
	cmd.Flags().StringVar(&r.Step, "step", "", inv.say("only this step", "このステップだけ"))
	cmd.Flags().IntVar(&r.Repeat, "repeat", r.Repeat, inv.say("play every answer this many times; one whose verdict differs is flaky, and fails", "各回答を繰り返す回数。判定が変わるものは不安定として失敗にします"))
	cmd.Flags().IntVar(&r.Parallel, "parallel", r.Parallel, inv.say("how many clusters there may be at once (default: by processors and memory)", "同時に使うクラスターの数 (既定はプロセッサーとメモリーに応じた数)"))
	cmd.Flags().StringSliceVar(&clusters, "cluster", nil, inv.say("kind of cluster to play on (default: embedded); several, as in embedded,kind, are compared", "使うクラスターの種類 (既定は embedded)。embedded,kind のように複数を指定すると、結果を比較します"))
	_ = cmd.RegisterFlagCompletionFunc("cluster", inv.completeProviders)
	cmd.Flags().BoolVar(&r.NearMisses, "near-misses", r.NearMisses, inv.say("play near misses, too", "ニアミスも実行します"))
	cmd.Flags().StringVar(&chosen.since, "changed-since", "", inv.say("prove everything of the labs that changed since this commit, branch or tag, or whose checks did, and a sample of the others", "このコミット、ブランチ、タグから変更されたラボと、そのチェックが変更されたラボはすべて、ほかは抜き取りで検証します"))
	cmd.Flags().IntVar(&chosen.sample, "sample", chosen.sample, inv.say("how many wrong answers of an exercise a sample has; without --changed-since all exercises are sampled", "抜き取る誤答の数 (演習ごと)。--changed-since なしで指定すると、すべての演習を抜き取りで検証します"))
	cmd.Flags().StringVar(&junit, "junit", "", inv.say("write the result as JUnit XML into this file, too", "結果を JUnit XML としてこのファイルにも書き出します"))
	_ = cmd.MarkFlagDirname("dir")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		chosen.asked = cmd.Flags().Changed("sample")
		if err := atLeast(1, "repeat", r.Repeat); err != nil {
			return err
		}
		if cmd.Flags().Changed("parallel") {
			if err := atLeast(1, "parallel", r.Parallel); err != nil {
				return err
			}
		}
		if err := atLeast(0, "sample", chosen.sample); err != nil {
			return err
		}
		if err := writable(junit); err != nil {
			return err
		}
		from, err := labsFrom(dir)
		if err != nil {
			return err
		}
		if r.Labs, err = from.pick(args); err != nil {
			return err
		}
		if r.Selection, err = chosen.from(from); err != nil {
			return err
		}
		r.Env = from.env()
		inv.interrupted = text.Text{EN: "Interrupted. The clusters are deleted; nothing is left.", JA: "中断しました。クラスターは削除され、何も残っていません。"}
		results, err := inv.proveOn(cmd, r, clusters)
		if errors.Is(err, verify.ErrLeft) {
			inv.interrupted = text.Text{EN: "Interrupted. " + err.Error(), JA: "中断しました。クラスターを削除できませんでした: " + err.Error()}
		}
		if len(results) == 0 {
			return err
		}
		// A run that ended early may have taken an hour to find what it found.
		shown := inv.report(from, proofs{results: results, kinds: len(clusters), whole: err == nil}, junit)
		if err == nil {
			return shown
		}
		if _, verdict := errors.AsType[exit](shown); shown != nil && !verdict {
			inv.interrupted = text.Text{EN: inv.interrupted.EN + " " + what(shown).EN, JA: inv.interrupted.JA + what(shown).JA}
			err = errors.Join(err, shown)
		}
		return err
	}
	return inv.withOutput(cmd)
}

// proofs are the results of proving labs on some kinds of cluster. They are whole if the run did not end early.
type proofs struct {
	results []*verify.Result
	kinds   int
	whole   bool
}

// report tells the results to GitHub Actions, to the JUnit file and to the person.
func (inv *invocation) report(from *labSet, all proofs, junit string) error {
	for _, result := range all.results {
		if err := inv.annotateProof(from, result); err != nil {
			return err
		}
	}
	if err := writeJUnit(junit, all, inv.lang); err != nil {
		return err
	}
	return inv.showProof(all)
}

// proveOn proves the labs on each kind of cluster, one after the other. An error comes with the results up to then.
func (inv *invocation) proveOn(cmd *cobra.Command, r verify.Runner, clusters []string) (results []*verify.Result, err error) {
	if len(clusters) == 0 {
		clusters = []string{""}
	}
	for _, name := range clusters {
		r.Cluster = name
		result, err := inv.prove(cmd, r)
		if result != nil {
			results = append(results, result)
		}
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// compared is the answer of -o json for several kinds of cluster.
type compared struct {
	Passed  bool             `json:"passed"`
	Results []*verify.Result `json:"results"`
	// Parity is null where the run ended before there were two results.
	Parity *verify.Parity `json:"parity"`
}

// showProof prints the results. The exit code tells of results that did not pass, and of answers about which clusters
// disagree.
func (inv *invocation) showProof(found proofs) error {
	results := found.results
	all := compared{Passed: found.whole, Results: results}
	for _, result := range results {
		all.Passed = all.Passed && result.Passed
	}
	if len(results) > 1 {
		all.Parity = verify.Compare(results)
		all.Passed = all.Passed && all.Parity.Same
	}
	var err error
	switch {
	case inv.asJSON() && found.kinds > 1:
		err = inv.printJSON(all)
	case inv.asJSON():
		err = inv.printJSON(results[0])
	case all.Parity == nil:
		err = inv.print(inv.screen().Proof(results[0]))
	default:
		err = inv.print(inv.screen().Parity(results, all.Parity))
	}
	if err == nil && !all.Passed {
		err = exit(exitChecks)
	}
	return err
}

// prove proves the labs and shows its progress, which is removed when it returns.
func (inv *invocation) prove(cmd *cobra.Command, r verify.Runner) (*verify.Result, error) {
	proving := terminal.NewProving(inv.errScreen(), inv.Err, inv.ErrTTY && inv.Getenv("TERM") != "dumb")
	defer proving.Close()
	r.Progress = proving.Report
	return inv.parts.Verify(cmd.Context(), r)
}

func atLeast(least int, flag string, value int) error {
	if value >= least {
		return nil
	}
	return problem.New(problem.Usage, text.New("--%s is %d; it has to be %d or more", "--%s が %d になっています。%d 以上にしてください", flag, value, least), action.HelpOn(action.Verify))
}

// writable finds out, before minutes of work, that the result could not be written.
func writable(file string) error {
	if file == "" {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".k8slab-junit-*")
	if err == nil {
		err = errors.Join(tmp.Close(), os.Remove(tmp.Name()))
	}
	if info, statErr := os.Stat(file); err == nil && statErr == nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	return junitProblem(file, err)
}

func junitProblem(file string, err error) error {
	if err == nil {
		return nil
	}
	return problem.New(problem.Usage, text.New("the JUnit file %s cannot be written: %v", "JUnit ファイル %s に書き込めません: %v", file, err), action.HelpOn(action.Verify)).From(err)
}

// writeJUnit replaces the file in one step, so that nobody reads half of it. The file has mode 0644, as other reports
// have: a CI system that reads it may be another user.
func writeJUnit(file string, all proofs, lang text.Lang) error {
	if file == "" {
		return nil
	}
	return junitProblem(file, atomicfile.Stream(file, 0o644, func(w io.Writer) error { return verify.WriteJUnit(w, lang, all.kinds > 1, all.results...) }))
}
