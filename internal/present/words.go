package present

import (
	"fmt"
	"strings"

	"github.com/k8slab/k8slab/engine"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/text"
)

// Fact is a name and its value.
type Fact struct{ Name, Value text.Text }

// Table is rows below titles.
type Table struct {
	Columns []Column
	Rows    [][]text.Text
	// Empty is said in place of a table without rows; zero if the titles alone say enough.
	Empty text.Text
}

// Column of a table. Long says that its cells may be sentences. Long columns are wrapped where there is little room.
type Column struct {
	Title text.Text
	Long  bool
}

// column returns a column whose title is one or two words.
func column(en, ja string) Column { return Column{Title: text.Text{EN: en, JA: ja}} }

func longColumn(en, ja string) Column { return Column{Title: text.Text{EN: en, JA: ja}, Long: true} }

// row returns a row of cells that are the same in both languages.
func row(cells ...string) []text.Text {
	texts := make([]text.Text, len(cells))
	for i, cell := range cells {
		texts[i] = text.Plain(cell)
	}
	return texts
}

// fact returns a fact whose value is the same in both languages.
func fact(en, ja, value string) Fact {
	return Fact{Name: text.Text{EN: en, JA: ja}, Value: text.Plain(value)}
}

// Say returns the advice with each action as the command to type.
func Say(a engine.Advice) text.Text { return SayWith(a, Command) }

// SayWith returns the advice with each action as a face shows it.
func SayWith(a engine.Advice, show func(action.Action) string) text.Text {
	var pairs []string
	for i, do := range a.Do {
		pairs = append(pairs, fmt.Sprintf("{%d}", i), show(do))
	}
	r := strings.NewReplacer(pairs...)
	return text.Text{EN: r.Replace(a.Text.EN), JA: r.Replace(a.Text.JA)}
}

// join puts one sentence behind the other, in English with a space between them.
func join(sentences ...text.Text) text.Text {
	var en, ja []string
	for _, s := range sentences {
		en, ja = append(en, s.EN), append(ja, s.JA)
	}
	return text.Text{EN: strings.Join(en, " "), JA: strings.Join(ja, "")}
}

// Points returns a number of points in words.
func Points(n int) text.Text {
	if n == 1 {
		return text.Text{EN: "1 point", JA: "1 点"}
	}
	return text.New("%d points", "%d 点", n)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// State returns the words for a state of a lab, a step, a cluster or a component. Technical terms that Japanese writes
// in English stay.
func State(state string) text.Text {
	if word, ok := states()[state]; ok {
		return word
	}
	return text.Plain(state)
}

func states() map[string]text.Text {
	return map[string]text.Text{
		"new":      {EN: "new", JA: "未着手"},
		"started":  {EN: "started", JA: "進行中"},
		"finished": {EN: "finished", JA: "終了"},

		"passed":  {EN: "passed", JA: "合格"},
		"current": {EN: "here now", JA: "実施中"},
		"open":    {EN: "open", JA: "未合格"},

		"none":     {EN: "none", JA: "なし"},
		"running":  {EN: "running", JA: "稼働中"},
		"stopped":  {EN: "stopped", JA: "停止"},
		"crashed":  {EN: "crashed", JA: "異常終了"},
		"degraded": {EN: "degraded", JA: "一部停止"},
	}
}

// Phase returns the words for a phase of a long operation; an unknown phase keeps its own name.
func Phase(name string) text.Text {
	if word, ok := phases()[name]; ok {
		return word
	}
	return text.Plain(name)
}

func phases() map[string]text.Text {
	return map[string]text.Text{
		"executables":   {EN: "Executables", JA: "実行ファイルの確認"},
		"certificates":  {EN: "Certificates", JA: "証明書の作成"},
		"control-plane": {EN: "Control plane", JA: "コントロールプレーン"},
		"engine":        {EN: "Container engine", JA: "コンテナーエンジン"},
		"node-image":    {EN: "Node image", JA: "ノードイメージ"},
		"containers":    {EN: "Machines", JA: "ノードのマシン"},
		"join":          {EN: "Joining the nodes", JA: "ノードの参加"},
		"images":        {EN: "Images", JA: "イメージの読み込み"},
		"nodes":         {EN: "Nodes", JA: "ノード"},
		"scenario":      {EN: "Starting state", JA: "ステップの初期状態"},
		"stop":          {EN: "Stopping the cluster", JA: "クラスターの停止"},
		"delete":        {EN: "Deleting the cluster", JA: "クラスターの削除"},
		"look":          {EN: "Looking at the cluster", JA: "クラスターの確認"},
		"credentials":   {EN: "Credentials", JA: "認証情報"},
		"leave":         {EN: "Removing the objects", JA: "オブジェクトの削除"},
		"reset":         {EN: "Restoring the step", JA: "ステップの復元"},
		"fetch":         {EN: "Fetching labs", JA: "ラボの取得"},
		"preflight":     {EN: "Preflight", JA: "事前確認"},
		"programs":      {EN: "Programs and images", JA: "プログラムとイメージ"},
		"save":          {EN: "Saving etcd", JA: "etcd の保存"},
		"api-server":    {EN: "API server", JA: "API サーバー"},
		"controllers":   {EN: "Controllers", JA: "コントローラー"},
		"scheduler":     {EN: "Scheduler", JA: "スケジューラー"},
		"ready":         {EN: "Ready", JA: "稼働確認"},
		"roll-back":     {EN: "Back to the old version", JA: "元のバージョンに戻す"},
		"kubelet":       {EN: "kubelet", JA: "kubelet"},
		"component":     {EN: "Component", JA: "コンポーネント"},
	}
}
