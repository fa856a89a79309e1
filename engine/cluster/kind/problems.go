package kind

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/k8slab/k8slab/engine/problem"
)

// The oldest engines that do what is needed: --cgroupns=private came with Docker 20.10, and with Podman 4 what kind asks of it is stable.
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

// tooOld also holds for a version that says nothing.
func tooOld(command, said string) bool {
	v, err := version.ParseGeneric(said)
	return err != nil || v.LessThan(version.MustParseGeneric(oldest(command)))
}

// onEmbedded is the way that always is open; where it is about no lab, a look at that way.
func onEmbedded(lab string) string {
	if lab == "" {
		return "k8slab doctor"
	}
	return "k8slab start " + lab + " --cluster embedded"
}

func noEngine(lab string) error {
	return problem.New(problem.Cluster,
		"a kind cluster is made of containers, and neither docker nor podman is on the PATH; install Docker (20.10 or later) or Podman (4 or later), or use the embedded cluster, which needs neither",
		"kind クラスターはコンテナーで作られますが、docker も podman も PATH にありません。Docker (20.10 以降) か Podman (4 以降) をインストールするか、どちらも必要としない embedded クラスターを使ってください",
		onEmbedded(lab))
}

func unknownEngine(lab, named string) error {
	return problem.New(problem.Usage,
		fmt.Sprintf("%s names %q; k8slab knows docker and podman", EngineVariable, named),
		fmt.Sprintf("%s に %q が指定されていますが、使えるのは docker と podman です", EngineVariable, named),
		"unset "+EngineVariable)
}

// noAnswer tells apart an engine that does not run and one that this user may not speak to. Only Docker on Linux has a group that may.
func noAnswer(command, goos string, err error) error {
	said := err.Error()
	if command == "docker" && goos == "linux" && strings.Contains(said, "permission denied") {
		return problem.New(problem.Cluster,
			"Docker runs, but this user may not speak to it; add the user to its group and log in again",
			"Docker は動いていますが、このユーザーには使う権限がありません。グループに加えてからログインし直してください",
			"sudo usermod -aG docker $USER").From(err)
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("%s is installed, but its engine does not answer: %s", title(command), said),
		fmt.Sprintf("%s はインストールされていますが、エンジンが応答しません: %s", title(command), said),
		startEngine(command, goos)).From(err)
}

// startEngine is the command that does. Podman on Linux has nothing to start: there, its own answer is the next thing to look at.
func startEngine(command, goos string) string {
	switch {
	case command == "podman" && goos == "linux":
		return "podman info"
	case command == "podman":
		return "podman machine start"
	case goos == "darwin":
		return "open -a Docker"
	}
	return "sudo systemctl start docker"
}

func oldEngine(lab string, e *engine) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("%s is too old for kind, which needs %s or later; update it, or use the embedded cluster", e, oldest(e.command)),
		fmt.Sprintf("%s は kind には古すぎます。%s 以降が必要です。更新するか、embedded クラスターを使ってください", e, oldest(e.command)),
		onEmbedded(lab))
}

// foreign refuses containers of the cluster's name that another k8slab, or somebody else, made.
func foreign(e *engine, lab, name string, containers []container) error {
	if home := stateHomeOf(containers[0], lab); home != "" {
		return problem.New(problem.Cluster,
			fmt.Sprintf("the containers of %s belong to the k8slab whose XDG_STATE_HOME is %s; a machine has room for one of them", name, home),
			fmt.Sprintf("%s のコンテナーは、XDG_STATE_HOME が %s の k8slab のものです。同じ名前のクラスターは 1 つしか作れません", name, home),
			"XDG_STATE_HOME="+home+" k8slab delete --lab "+lab)
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("there is a kind cluster %s that k8slab did not make; it is left alone. Remove it, or play the lab on the embedded cluster", name),
		fmt.Sprintf("k8slab が作ったのではない kind クラスター %s があるため、触れません。削除するか、embedded クラスターを使ってください", name),
		e.command+" ps --all --filter label="+clusterLabel+"="+name)
}

// stateHomeOf returns the XDG_STATE_HOME of the k8slab that made the container; "" where none did.
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
		fmt.Sprintf("the containers have %d MB of memory to share, and this cluster needs %d MB; give the engine more, or use the embedded cluster", have>>20, need>>20),
		fmt.Sprintf("コンテナーが使えるメモリーは %d MB ですが、このクラスターには %d MB 必要です。エンジンへの割り当てを増やすか、embedded クラスターを使ってください", have>>20, need>>20),
		onEmbedded(lab))
}

func fewWatches(limit int) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("another kind cluster runs here, and this machine lets a user watch too few files for a second one (fs.inotify.max_user_instances is %d)", limit),
		fmt.Sprintf("ほかの kind クラスターが動いていますが、このマシンの fs.inotify.max_user_instances (%d) では 2 つ目を動かせません", limit),
		"sudo sysctl fs.inotify.max_user_instances=512")
}

func noImage(lab, release string) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("%s names no node image of Kubernetes %s; write its image, with a tag that begins with v%s.", ImageVariable, release, release),
		fmt.Sprintf("%s に Kubernetes %s のノードイメージがありません。v%s. で始まるタグのイメージを指定してください", ImageVariable, release, release),
		"unset "+ImageVariable)
}

func notPulled(lab, image string, err error) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("the node image %s is not here and could not be pulled (%v); let %s name one that can be had, or use the embedded cluster", image, err, ImageVariable),
		fmt.Sprintf("ノードイメージ %s が手元になく、取得もできませんでした (%v)。%s で入手できるイメージを指定するか、embedded クラスターを使ってください", image, err, ImageVariable),
		onEmbedded(lab)).From(err)
}

func wrongImage(command, image, found, release string) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("the node image %s holds Kubernetes %s, and the lab needs %s", image, found, release),
		fmt.Sprintf("ノードイメージ %s の Kubernetes は %s です。ラボには %s が必要です", image, found, release),
		command+" pull "+image)
}

func notMade(lab string, log string, err error) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("kind could not make the cluster: %v; the whole story is in %s", err, log),
		fmt.Sprintf("kind がクラスターを作れませんでした: %v。詳しい経過は %s にあります", err, log),
		"k8slab start "+lab+" --cluster kind").From(err)
}

// notRun has a next step that tries the same again.
func notRun(command, image string, err error) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("%s cannot run a container of %s: %v", title(command), image, err),
		fmt.Sprintf("%s が %s のコンテナーを動かせません: %v", title(command), image, err),
		fmt.Sprintf("%s run --rm --entrypoint cat %s /kind/version", command, image)).From(err)
}

func notNodeImage(image string, err error) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("%s is no node image of kind: %v", image, err),
		fmt.Sprintf("%s は kind のノードイメージではありません: %v", image, err),
		"unset "+ImageVariable).From(err)
}

func machinesGone(lab string, gone []string) error {
	names := strings.Join(gone, ", ")
	return problem.New(problem.Cluster,
		fmt.Sprintf("somebody removed the container of %s; the cluster has to be made anew", names),
		fmt.Sprintf("%s のコンテナーが削除されています。クラスターを作り直す必要があります", names),
		"k8slab delete --lab "+lab)
}

// isOff refuses what only a cluster that runs can be asked for.
func isOff(lab string) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("the control plane of %s is off; start the cluster first", lab),
		fmt.Sprintf("%s のコントロールプレーンは停止しています。先にクラスターを起動してください", lab),
		"k8slab start "+lab)
}

// hasGoneOff is about a machine that went off while it was waited for.
func hasGoneOff(lab, engine, machine string) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("the machine of %s's control plane has gone off", lab),
		fmt.Sprintf("%s のコントロールプレーンのマシンが停止しました", lab),
		engine+" logs --tail 20 "+machine)
}

func noPower(node string) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("the machine of %s has no power", node),
		fmt.Sprintf("%s のマシンには電源が入っていません", node),
		"k8slab node start "+node)
}

// inTime gives an error that says no more than that time ran out a next step. A start goes on from what there is.
func inTime(lab string, err error) error {
	if _, told := errors.AsType[*problem.Problem](err); told || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("the cluster of %s was not up in time: %s", lab, oneLine(err)),
		fmt.Sprintf("%s のクラスターが時間内に起動しませんでした: %s", lab, oneLine(err)),
		"k8slab start "+lab).From(err)
}

// oneLine says what several errors say one after the other.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func notReady(lab string, nodes []string, err error) error {
	names := strings.Join(nodes, ", ")
	return problem.New(problem.Cluster,
		fmt.Sprintf("the nodes did not become Ready in time: %s", names),
		fmt.Sprintf("時間内に Ready にならないノードがあります: %s", names),
		"k8slab cluster status --lab "+lab).From(err)
}
