package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster/kind"
	"github.com/k8slab/k8slab/engine/machine"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/engine/verify"
	"github.com/k8slab/k8slab/internal/terminal"
)

func newVerify(inv *invocation) *cobra.Command {
	r := verify.Runner{Parallel: parallel(), Repeat: 1, NearMisses: true}
	var dir, junit string
	var clusters []string
	cmd := inv.command("verify [LAB…] [--dir DIR] [--step STEP] [--repeat N] [--parallel N] [--cluster KIND,…] [--near-misses=false] [--junit FILE] [-o json]",
		content.Text{EN: "Prove that the labs' checks and answers agree", JA: "ラボのチェックと回答が食い違わないことを検証します"},
		content.Text{
			EN: "For those who write labs. Play every answer that comes with the labs on clusters of its own, and compare what the grader says with what the author says: the starting state fails, the solution and the other right answers pass, each wrong answer fails exactly the check that it names, and every check is failed by one. Then play near misses, which are derived from the solution: none may pass, unless step.yaml accepts it with a reason. Your own labs and points are left alone.",
			JA: "ラボを書く人のためのコマンドです。ラボに付いている回答をすべて専用のクラスターで実行し、採点の結果が作者の意図どおりかを調べます。開始状態は不合格、解答と別解は合格、誤答はそれぞれ名指しした項目だけが不合格になり、どの項目にも不合格となる誤答がなければなりません。さらに、解答から作ったニアミス (惜しい誤答) も実行します。step.yaml の accepts に理由を書いて認めたもの以外は、合格してはいけません。手元のラボや得点には触れません。",
		})
	cmd.Args = cobra.ArbitraryArgs
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		return withPrefix(inv.labIDs(cmd.Context()), word), cobra.ShellCompDirectiveNoFileComp
	}
	cmd.Flags().StringVar(&dir, "dir", "", inv.say("a lab's folder, or a folder of labs, instead of those that come with k8slab", "k8slab 付属のラボの代わりに使う、ラボのフォルダー、またはラボを集めたフォルダー"))
	cmd.Flags().StringVar(&r.Step, "step", "", inv.say("only this step", "このステップだけ"))
	cmd.Flags().IntVar(&r.Repeat, "repeat", r.Repeat, inv.say("play every answer so often; one whose verdict differs is flaky, and fails", "各回答を繰り返す回数。判定が変わるものは不安定として失敗にします"))
	cmd.Flags().IntVar(&r.Parallel, "parallel", r.Parallel, inv.say("how many clusters there may be at once (default: by processors and memory)", "同時に使うクラスターの数 (既定はプロセッサーとメモリーに応じた数)"))
	cmd.Flags().StringSliceVar(&clusters, "cluster", nil, inv.say("kind of cluster to play on (default: embedded); several, as in embedded,kind, are compared", "使うクラスターの種類 (既定は embedded)。embedded,kind のように複数を指定すると、結果を比較します"))
	_ = cmd.RegisterFlagCompletionFunc("cluster", inv.completeProviders)
	cmd.Flags().BoolVar(&r.NearMisses, "near-misses", r.NearMisses, inv.say("play near misses, too", "ニアミスも実行します"))
	cmd.Flags().StringVar(&junit, "junit", "", inv.say("write the result as JUnit XML into this file, too", "結果を JUnit XML としてこのファイルにも書き出します"))
	_ = cmd.MarkFlagDirname("dir")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := positive(map[string]int{"repeat": r.Repeat, "parallel": r.Parallel}); err != nil {
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
		r.Env = from.env()
		inv.interrupted = content.Text{EN: "Interrupted. The clusters are deleted; nothing is left.", JA: "中断しました。クラスターは削除され、何も残っていません。"}
		results, err := inv.proveOn(cmd, r, clusters)
		if errors.Is(err, verify.ErrLeft) {
			inv.interrupted = content.Text{EN: "Interrupted. " + err.Error(), JA: "中断しました。クラスターを削除できませんでした: " + err.Error()}
		}
		if len(results) == 0 {
			return err
		}
		// Where it ended early, what was found by then may have taken an hour.
		shown := inv.report(from, proofs{results: results, kinds: len(clusters), whole: err == nil}, junit)
		if err == nil {
			return shown
		}
		if _, verdict := errors.AsType[exit](shown); shown != nil && !verdict {
			inv.interrupted = content.Text{EN: inv.interrupted.EN + " " + what(shown).EN, JA: inv.interrupted.JA + what(shown).JA}
			err = errors.Join(err, shown)
		}
		return err
	}
	return inv.withOutput(cmd)
}

// proofs are what came of proving labs on some kinds of cluster. The run did not end early if they are whole.
type proofs struct {
	results []*verify.Result
	kinds   int
	whole   bool
}

// report tells everybody who wants to know what came of it.
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

// proveOn proves the labs on each kind of cluster, one after the other. With an error come the results up to then.
func (inv *invocation) proveOn(cmd *cobra.Command, r verify.Runner, clusters []string) (results []*verify.Result, err error) {
	if len(clusters) == 0 {
		clusters = []string{""}
	}
	chosen := cmd.Flags().Changed("parallel")
	wanted := r.Parallel
	for _, name := range clusters {
		r.Cluster, r.Parallel = name, wanted
		if name == kind.Name && !chosen {
			r.Parallel = kind.DefaultParallel()
		}
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

// compared is what -o json prints of several kinds of cluster.
type compared struct {
	Passed  bool             `json:"passed"`
	Results []*verify.Result `json:"results"`
	// Parity is null where the run ended before there were two results.
	Parity *verify.Parity `json:"parity"`
}

// showProof prints what came of it. The exit code tells of results that did not pass, and of answers about which clusters disagree.
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

// prove shows how far it is, and nothing of that is left when it returns.
func (inv *invocation) prove(cmd *cobra.Command, r verify.Runner) (*verify.Result, error) {
	proving := terminal.NewProving(inv.errScreen(), inv.Err, inv.ErrTTY && inv.Getenv("TERM") != "dumb")
	defer proving.Close()
	r.Progress = proving.Report
	return inv.parts.Verify(cmd.Context(), r)
}

// parallel is as many clusters as the processors can serve and the memory can hold, and at least two.
func parallel() int {
	n := verify.DefaultParallel()
	if available, ok := machine.AvailableMemory(machine.Proc); ok {
		n = min(n, int(available/leastMemory))
	}
	return max(2, n)
}

func positive(flags map[string]int) error {
	for _, name := range []string{"repeat", "parallel"} {
		if flags[name] < 1 {
			return problem.New(problem.Usage, fmt.Sprintf("--%s is %d; it has to be 1 or more", name, flags[name]),
				fmt.Sprintf("--%s が %d になっています。1 以上にしてください", name, flags[name]), "k8slab verify --help")
		}
	}
	return nil
}

// writable finds out before minutes of work that their result could not be written.
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
	return problem.New(problem.Usage, fmt.Sprintf("the JUnit file %s cannot be written: %v", file, err),
		fmt.Sprintf("JUnit ファイル %s に書き込めません: %v", file, err), "k8slab verify --help").From(err)
}

// writeJUnit replaces the file in one step, so that nobody reads half of it.
func writeJUnit(file string, all proofs, lang content.Lang) error {
	if file == "" {
		return nil
	}
	return junitProblem(file, replaceFile(file, func(w io.Writer) error { return verify.WriteJUnit(w, lang, all.kinds > 1, all.results...) }))
}

func replaceFile(file string, write func(io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".k8slab-junit-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	// 0644, as other reports are: it is for a CI system, which may be another user.
	if err := errors.Join(write(tmp), tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
