package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/k8slab/k8slab/engine/cluster"
)

// patience is how long a phase may take before a live line tells that it goes on.
const patience = 500 * time.Millisecond

// Phases writes one line for each phase that ends, with its time. On a terminal it also shows, after half a second,
// the phase under way and how long it has taken; elsewhere it writes no control character.
// Close it before anything else is written.
type Phases struct {
	liveLine
	screen Screen
	open   []openPhase
}

type openPhase struct {
	name  string
	begin time.Time
}

// NewPhases writes to out. live says that out is a terminal on which a line can be rewritten.
func NewPhases(s Screen, out io.Writer, live bool) *Phases {
	p := &Phases{liveLine: liveLine{out: out}, screen: s}
	if live {
		p.start(100*time.Millisecond, p.underWay)
	}
	return p
}

// Report is a [cluster.Progress]. Phases that are under way at Close have not ended; the error says why.
func (p *Phases) Report(ph cluster.Phase) {
	p.Lock()
	defer p.Unlock()
	if !ph.Done {
		p.open = append(p.open, openPhase{ph.Name, time.Now()})
		return
	}
	for i := len(p.open) - 1; i >= 0; i-- {
		if p.open[i].name == ph.Name {
			p.open = append(p.open[:i], p.open[i+1:]...)
			break
		}
	}
	p.clear()
	fmt.Fprint(p.out, p.screen.phaseLine(p.screen.paint(green, "✓"), p.screen.PhaseName(ph.Name), ph.Elapsed, ph.Detail))
}

func (p *Phases) underWay(now time.Time) string {
	if len(p.open) == 0 {
		return ""
	}
	current := p.open[len(p.open)-1]
	if now.Sub(current.begin) < patience {
		return ""
	}
	line := strings.TrimRight(p.screen.phaseLine("…", p.screen.PhaseName(current.name), now.Sub(current.begin), ""), "\n")
	return ansi.Truncate(line, p.screen.columns()-1, "")
}

func (s Screen) phaseLine(sign, name string, elapsed time.Duration, detail string) string {
	const column = 24
	line := sign + " " + name + strings.Repeat(" ", max(1, column-Width(name))) + fmt.Sprintf("%5.1f s", elapsed.Seconds())
	if detail = Plain(detail); detail != "" && Width(line)+2+Width(detail) <= s.columns() {
		line += "  " + detail
	}
	return line + "\n"
}

// PhaseName says a phase in the screen's language; a phase that it does not know keeps its own name.
func (s Screen) PhaseName(name string) string {
	switch name {
	case "executables":
		return s.say("Executables", "実行ファイルの確認")
	case "certificates":
		return s.say("Certificates", "証明書の作成")
	case "control-plane":
		return s.say("Control plane", "コントロールプレーン")
	case "engine":
		return s.say("Container engine", "コンテナーエンジン")
	case "node-image":
		return s.say("Node image", "ノードイメージ")
	case "containers":
		return s.say("Machines", "ノードのマシン")
	case "join":
		return s.say("Joining the nodes", "ノードの参加")
	case "images":
		return s.say("Images", "イメージの読み込み")
	case "nodes":
		return s.say("Nodes", "ノード")
	case "scenario":
		return s.say("Starting state", "ステップの初期状態")
	case "stop":
		return s.say("Stopping the cluster", "クラスターの停止")
	case "delete":
		return s.say("Deleting the cluster", "クラスターの削除")
	case "look":
		return s.say("Looking at the cluster", "クラスターの確認")
	case "credentials":
		return s.say("Credentials", "認証情報")
	case "leave":
		return s.say("Removing the objects", "オブジェクトの削除")
	case "reset":
		return s.say("Restoring the step", "ステップの復元")
	case "fetch":
		return s.say("Fetching labs", "ラボの取得")
	case "preflight":
		return s.say("Preflight", "事前確認")
	case "programs":
		return s.say("Programs and images", "プログラムとイメージ")
	case "save":
		return s.say("Saving etcd", "etcd の保存")
	case "api-server":
		return s.say("API server", "API サーバー")
	case "controllers":
		return s.say("Controllers", "コントローラー")
	case "scheduler":
		return s.say("Scheduler", "スケジューラー")
	case "ready":
		return s.say("Ready", "稼働確認")
	case "roll-back":
		return s.say("Back to the old version", "元のバージョンに戻す")
	case "kubelet":
		return "kubelet"
	case "component":
		return s.say("Component", "コンポーネント")
	}
	return Plain(name)
}
