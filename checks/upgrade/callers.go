package upgrade

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

type callersParams struct {
	Namespace      string `yaml:"namespace" doc:"Namespace of the ConfigMap and of the ServiceAccount." ja:"ConfigMap と ServiceAccount の Namespace。"`
	ConfigMap      string `yaml:"configMap" doc:"Name of the ConfigMap of manifests." ja:"マニフェストが入った ConfigMap の名前。"`
	ServiceAccount string `yaml:"serviceAccount" doc:"Name of the ServiceAccount whose program applies them again and again." ja:"それを繰り返し適用するプログラムの ServiceAccount の名前。"`
}

func deprecatedNotCalled() checks.Definition {
	return checks.Define("api/deprecated-not-called", checks.Doc{
		Summary: text.New("Nobody writes to a deprecated API any more, and the program that did still does its work.",
			"廃止予定の API への書き込みがなくなり、書き込んでいたプログラムは仕事を続けている。"),
		Pass: text.New("Since the manifests were changed last, or since the control plane was upgraded, nobody else's write was recorded with the audit annotation k8s.io/deprecated, and the program has applied each of them, the last time without it.",
			"マニフェストの最後の変更、またはコントロールプレーンのアップグレード以降、プログラム以外から監査アノテーション k8s.io/deprecated の付いた書き込みがなく、プログラムがすべてのマニフェストを適用していて、その最後の書き込みにも付いていない。"),
		Fail: text.New("There was such a write; the failure says whose. Or the program has not applied a manifest since, or still the old way; both are waited for.",
			"そのような書き込みがあった (誰のものかを示す)。または、プログラムがまだ適用していないか、古いまま適用しているマニフェストがある (しばらく待つ)。"),
	}, judgeCallers).Needing(checks.AuditLog)
}

func judgeCallers(ctx context.Context, env checks.Env, p callersParams) (checks.Result, error) {
	manifests := manifestsParams{Namespace: p.Namespace, ConfigMap: p.ConfigMap}
	user := "system:serviceaccount:" + p.Namespace + ":" + p.ServiceAccount
	want := text.New("nobody writes to a deprecated API, and %s goes on applying its manifests", "廃止予定の API に誰も書き込まず、%s がマニフェストの適用を続けること", p.ServiceAccount)
	why := text.New("A caller of an API that the next release does not serve breaks with the upgrade. One that does nothing any more is broken already.",
		"次のリリースでなくなる API を使い続けるプログラムは、アップグレードすると動かなくなります。何もしなくなったプログラムは、すでに役目を果たしていません。")
	requests, err := env.AuditLog.Requests(ctx, history.Query{Since: env.Since})
	if err != nil {
		return checks.Result{}, fmt.Errorf("looking up who writes to deprecated APIs: %w", err)
	}
	changed := env.Since
	for _, r := range requests {
		if r.Resource == "configmaps" && r.Namespace == p.Namespace && r.Name == p.ConfigMap && history.IsPerson(r.User) && succeeded(r) && r.Time.After(changed) {
			changed = r.Time
		}
	}
	upgrades, err := env.RecordedUpgrades(ctx)
	if err != nil && !errors.Is(err, history.ErrNotRecorded) {
		return checks.Result{}, fmt.Errorf("looking up when the control plane was upgraded: %w", err)
	}
	for _, u := range upgrades {
		if u.Node == "" && u.Outcome == history.Upgraded && u.Time.After(changed) {
			changed = u.Time // what counts is who still writes the old way after it
		}
	}
	// last is the program's last word on each object. It may read its manifests some seconds late: a kubelet brings a
	// changed ConfigMap into a volume only when it next looks at the pod.
	last := map[string]history.Request{}
	for _, r := range requests {
		if r.DryRun || !r.Time.After(changed) || !history.IsPerson(r.User) {
			continue
		}
		switch own := r.User == user; {
		case own && (r.Deprecated || succeeded(r)):
			last[r.Group+"/"+r.Resource+"/"+r.Name] = r
		case !own && r.Deprecated:
			return checks.Fail(r.Resource+"/"+r.Name, want, wroteDeprecated(r), why).Because(removalOf(r)), nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		if r := last[name]; r.Deprecated {
			return checks.Fail(r.Resource+"/"+r.Name, want, wroteDeprecated(r), why).Because(removalOf(r)).WaitingFor("the next round of " + p.ServiceAccount), nil
		}
	}
	documents, err := manifestsOf(ctx, env, manifests)
	if unreadable, ok := errors.AsType[*unreadableError](err); ok {
		return checks.Fail(manifests.object(), want, unreadable.said, why).Because(unreadable.cause), nil
	}
	if err != nil {
		return checks.Result{}, err
	}
	for _, o := range documents {
		resource, fault, err := resourceOf(env, o.GroupVersionKind())
		if err != nil {
			return checks.Result{}, err
		}
		if !fault.IsZero() {
			return checks.Fail(manifests.object(), want, fault, why), nil
		}
		if _, said := last[o.GroupVersionKind().Group+"/"+resource.Name+"/"+o.GetName()]; !said {
			return checks.Fail(manifestName(o), want,
				text.New("%s has not applied %s since %s", "%[1]s は %[3]s 以降、%[2]s を適用していません", p.ServiceAccount, manifestName(o), changed.Local().Format("15:04:05")), why).
				WaitingFor("the next round of " + p.ServiceAccount), nil
		}
	}
	return checks.Pass(manifests.object(), text.New("%d manifests applied, nothing deprecated", "マニフェスト %d 個を適用し、廃止予定の API は使われていません", len(documents))), nil
}

func wroteDeprecated(r history.Request) text.Text {
	return text.New("%s wrote %s/%s as %s/%s at %s", "%[1]s が %[6]s に %[2]s/%[3]s を %[4]s/%[5]s として書き込みました", kube.Who(r), r.Resource, r.Name, r.Group, r.Version, kube.Clock(r.Time))
}

func removalOf(r history.Request) string {
	return kube.AuditLine(r) + ", k8s.io/removed-release " + r.RemovedRelease
}

func succeeded(r history.Request) bool { return r.Code > 0 && r.Code < 400 && !r.DryRun }
