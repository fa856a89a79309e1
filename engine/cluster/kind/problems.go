package kind

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// The oldest engines that have what kind needs: --cgroupns=private came with Docker 20.10, and what kind asks of Podman
// is stable since Podman 4.
const (
	oldestDocker = "20.10.0"
	oldestPodman = "4.0.0"
)

func oldest(command string) string {
	if command == "podman" {
		return oldestPodman
	}
	return oldestDocker
}

// tooOld reports whether the version is too old. A version that cannot be read counts as too old.
func tooOld(command, said string) bool {
	v, err := version.ParseGeneric(said)
	return err != nil || v.LessThan(version.MustParseGeneric(oldest(command)))
}

// onEmbedded is the action that always works: playing the lab on the embedded cluster or, if there is no lab, looking
// with doctor.
func onEmbedded(lab string) action.Action {
	if lab == "" {
		return action.Do(action.Doctor)
	}
	return action.Do(action.Start).On(lab).With("cluster", "embedded")
}

func noEngine(lab string) error {
	return problem.New(problem.Cluster,
		text.New("a kind cluster is made of containers, and neither docker nor podman is on the PATH; install Docker (20.10 or later) or Podman (4 or later), or use the embedded cluster, which needs neither", "kind クラスターはコンテナーで作られますが、docker も podman も PATH にありません。Docker (20.10 以降) か Podman (4 以降) をインストールするか、どちらも必要としない embedded クラスターを使ってください"),
		onEmbedded(lab))
}

func unknownEngine(lab, named string) error {
	return problem.New(problem.Usage,
		text.New("%s names %q; k8slab knows docker and podman", "%s に %q が指定されていますが、使えるのは docker と podman です", EngineVariable, named),
		action.InTerminal("unset "+EngineVariable))
}

// noAnswer tells an engine that does not run from an engine that this user may not speak to. Only Docker on Linux has a
// group of users who may.
func noAnswer(command, goos string, err error) error {
	said := err.Error()
	if command == "docker" && goos == "linux" && strings.Contains(said, "permission denied") {
		return problem.New(problem.Cluster,
			text.New("Docker runs, but this user may not speak to it; add the user to its group and log in again", "Docker は動いていますが、このユーザーには使う権限がありません。グループに加えてからログインし直してください"),
			action.InTerminal("sudo usermod -aG docker $USER")).From(err)
	}
	return problem.New(problem.Cluster,
		text.New("%s is installed, but its engine does not answer: %s", "%s はインストールされていますが、エンジンが応答しません: %s", title(command), said),
		startEngine(command, goos)).From(err)
}

// startEngine is the action of starting the engine. Podman on Linux has nothing to start; there, Podman's own answer is
// the next thing to look at.
func startEngine(command, goos string) action.Action {
	switch {
	case command == "podman" && goos == "linux":
		return action.InTerminal("podman info")
	case command == "podman":
		return action.InTerminal("podman machine start")
	case goos == "darwin":
		return action.InTerminal("open -a Docker")
	}
	return action.InTerminal("sudo systemctl start docker")
}

func oldEngine(lab string, e *engine) error {
	return problem.New(problem.Cluster,
		text.New("%s is too old for kind, which needs %s or later; update it, or use the embedded cluster", "%s は kind には古すぎます。%s 以降が必要です。更新するか、embedded クラスターを使ってください", e, oldest(e.command)),
		onEmbedded(lab))
}

// foreign is the problem of containers with the cluster's name that another k8slab, or somebody else, made.
func foreign(e *engine, lab, name string, containers []container) error {
	if home := stateHomeOf(containers[0], lab); home != "" {
		return problem.New(problem.Cluster,
			text.New("the containers of %s belong to the k8slab whose XDG_STATE_HOME is %s; a machine has room for one of them", "%s のコンテナーは、XDG_STATE_HOME が %s の k8slab のものです。同じ名前のクラスターは 1 つしか作れません", name, home),
			action.Do(action.Delete).On(lab).With("state-home", home))
	}
	return problem.New(problem.Cluster,
		text.New("there is a kind cluster %s that k8slab did not make; it is left alone. Remove it, or play the lab on the embedded cluster", "k8slab が作ったのではない kind クラスター %s があるため、触れません。削除するか、embedded クラスターを使ってください", name),
		action.InTerminal(e.command+" ps --all --filter label="+clusterLabel+"="+name))
}

// stateHomeOf returns the XDG_STATE_HOME of the k8slab that made the container; "" if no k8slab did.
func stateHomeOf(c container, lab string) string {
	for _, mounted := range c.mounted {
		if home, found := strings.CutSuffix(mounted, filepath.Join("/k8slab", Name, lab, "machine")); found {
			return home
		}
	}
	return ""
}

func littleMemory(lab string, have, need uint64) error {
	return problem.New(problem.Cluster,
		text.New("the containers have %d MB of memory to share, and this cluster needs %d MB; give the engine more, or use the embedded cluster", "コンテナーが使えるメモリーは %d MB ですが、このクラスターには %d MB 必要です。エンジンへの割り当てを増やすか、embedded クラスターを使ってください", have>>20, need>>20),
		onEmbedded(lab))
}

func fewWatches(limit int) error {
	return problem.New(problem.Cluster,
		text.New("another kind cluster runs here, and this machine lets a user watch too few files for a second one (fs.inotify.max_user_instances is %d)", "ほかの kind クラスターが動いていますが、このマシンの fs.inotify.max_user_instances (%d) では 2 つ目を動かせません", limit),
		action.InTerminal("sudo sysctl fs.inotify.max_user_instances=512"))
}

func noImage(lab, release string) error {
	return problem.New(problem.Cluster,
		text.New("%s names no node image of Kubernetes %s; write its image, with a tag that begins with v%s.", "%s に Kubernetes %s のノードイメージがありません。v%s. で始まるタグのイメージを指定してください", ImageVariable, release, release),
		action.InTerminal("unset "+ImageVariable))
}

func notPulled(lab, image string, err error) error {
	return problem.New(problem.Cluster,
		text.New("the node image %s is not here and could not be pulled (%v); let %s name one that can be pulled, or use the embedded cluster", "ノードイメージ %s が手元になく、取得もできませんでした (%v)。%s で入手できるイメージを指定するか、embedded クラスターを使ってください", image, err, ImageVariable),
		onEmbedded(lab)).From(err)
}

func wrongImage(command, image, found, release string) error {
	return problem.New(problem.Cluster,
		text.New("the node image %s holds Kubernetes %s, and the lab needs %s", "ノードイメージ %s の Kubernetes は %s です。ラボには %s が必要です", image, found, release),
		action.InTerminal(command+" pull "+image))
}

func notMade(lab string, log string, err error) error {
	return problem.New(problem.Cluster,
		text.New("kind could not make the cluster: %v; the whole story is in %s", "kind がクラスターを作れませんでした: %v。詳しい経過は %s にあります", err, log),
		action.Do(action.Start).On(lab).With("cluster", "kind")).From(err)
}

// notRun is the problem of an image that the engine cannot run. Its next step tries the same command again.
func notRun(command, image string, err error) error {
	return problem.New(problem.Cluster,
		text.New("%s cannot run a container of %s: %v", "%s が %s のコンテナーを動かせません: %v", title(command), image, err),
		action.InTerminal(fmt.Sprintf("%s run --rm --entrypoint cat %s /kind/version", command, image))).From(err)
}

func notNodeImage(image string, err error) error {
	return problem.New(problem.Cluster,
		text.New("%s is not a node image of kind: %v", "%s は kind のノードイメージではありません: %v", image, err),
		action.InTerminal("unset "+ImageVariable)).From(err)
}

func machinesGone(lab string, gone []string) error {
	names := strings.Join(gone, ", ")
	return problem.New(problem.Cluster,
		text.New("somebody removed the container of %s; the cluster has to be created again", "%s のコンテナーが削除されています。クラスターを作り直す必要があります", names),
		action.Do(action.Delete).On(lab))
}

// isOff is the problem of a command that needs a running control plane.
func isOff(lab string) error {
	return problem.New(problem.Cluster,
		text.New("the control plane of %s is off; start the cluster first", "%s のコントロールプレーンは停止しています。先にクラスターを起動してください", lab),
		action.Do(action.Start).On(lab))
}

// hasGoneOff is the problem of a machine that went off while k8slab waited for it.
func hasGoneOff(lab, engine, machine string) error {
	return problem.New(problem.Cluster,
		text.New("the machine of %s's control plane has stopped running", "%s のコントロールプレーンのマシンが停止しました", lab),
		action.InTerminal(engine+" logs --tail 20 "+machine))
}

func noPower(node string) error {
	return problem.New(problem.Cluster,
		text.New("the machine of %s has no power", "%s のマシンには電源が入っていません", node),
		action.Do(action.StartNode).With("node", node))
}

// inTime gives a next step to an error that only says that time ran out: another start, which goes on from what is
// there.
func inTime(lab string, err error) error {
	if _, told := errors.AsType[*problem.Problem](err); told || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return problem.New(problem.Cluster,
		text.New("the cluster of %s was not up in time: %s", "%s のクラスターが時間内に起動しませんでした: %s", lab, oneLine(err)),
		action.Do(action.Start).On(lab)).From(err)
}

// oneLine puts the lines of an error into one.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func notReady(lab string, nodes []string, err error) error {
	names := strings.Join(nodes, ", ")
	return problem.New(problem.Cluster,
		text.New("the nodes did not become Ready in time: %s", "時間内に Ready にならないノードがあります: %s", names),
		action.Do(action.ClusterStatus).On(lab)).From(err)
}
