package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/engine/manifest"
)

type manifestsParams struct {
	Namespace string `yaml:"namespace" doc:"Namespace of the ConfigMap." ja:"ConfigMap の Namespace。"`
	ConfigMap string `yaml:"configMap" doc:"Name of the ConfigMap of the starting state that holds the manifests." ja:"マニフェストが入った、開始時からある ConfigMap の名前。"`
}

func (p manifestsParams) object() string { return "configmap/" + p.ConfigMap }

func manifestsWithoutWarning() Definition {
	return Define("manifests/no-warnings", Doc{
		Summary: say("The manifests in a ConfigMap can be applied without a warning.", "ConfigMap に入ったマニフェストを、警告なしで適用できる。"),
		Pass: say("Every document of the start is still there and says what it said, but for its apiVersion; and the API server accepts every document in a dry run without a Warning.",
			"開始時の文書がすべて残っていて、apiVersion のほかは内容が変わっておらず、どの文書もドライランで Warning なしに受け入れられる。"),
		Fail: say("A document is gone, says something else or cannot be read, or the API server refuses it or warns of it, in its own words.",
			"なくなった文書、内容の変わった文書、読めない文書がある。または API サーバーが断るか警告する (その言葉を示す)。"),
	}, judgeManifests)
}

func judgeManifests(ctx context.Context, env Env, p manifestsParams) (Result, error) {
	want := say("every manifest in %s is what it was and can be applied without a warning", "%s のどのマニフェストも、内容は元のままで、警告なしに適用できること", p.object())
	why := say("A warning names an API that a coming release does not serve. From then on the same manifest is refused.",
		"警告は、今後のリリースで提供されなくなる API を知らせています。そのリリースからは、同じマニフェストが断られます。")
	now, err := manifestsOf(ctx, env, p)
	if unreadable, ok := errors.AsType[*unreadableError](err); ok {
		return fail(p.object(), want, unreadable.said, why).because(unreadable.cause), nil
	}
	if err != nil {
		return Result{}, err
	}
	before, err := manifestsBefore(env, p)
	if err != nil {
		return Result{}, err
	}
	for _, was := range before {
		if fault := lostManifest(was, now); !fault.IsZero() {
			return fail(p.object(), want, fault, say("Others rely on what the manifests make. To leave a document out mends nothing.",
				"このマニフェストが作るものに、頼っている人がいます。文書を取り除いても、何も直したことになりません。")), nil
		}
	}
	for _, o := range now {
		fault, cause, err := dryApply(ctx, env, o)
		if err != nil {
			return Result{}, err
		}
		if !fault.IsZero() {
			return fail(p.object(), want, fault, why).because(cause), nil
		}
	}
	return pass(p.object(), say("%d manifests, no warning", "マニフェスト %d 個、警告なし", len(now))), nil
}

// unreadableError says what is wrong with a ConfigMap of manifests.
type unreadableError struct {
	said  content.Text
	cause string
}

func (e *unreadableError) Error() string { return e.said.EN }

// manifestsOf reads the manifests as they are now. The error is an unreadableError where a learner has to mend them.
func manifestsOf(ctx context.Context, env Env, p manifestsParams) ([]*unstructured.Unstructured, error) {
	c, err := env.Client.CoreV1().ConfigMaps(p.Namespace).Get(ctx, p.ConfigMap, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, &unreadableError{said: deleted(p.object())}
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p.object(), err)
	}
	return documentsOf(c)
}

func manifestsBefore(env Env, p manifestsParams) ([]*unstructured.Unstructured, error) {
	o, ok := env.Baseline.Object(schema.GroupKind{Kind: "ConfigMap"}, p.Namespace, p.ConfigMap)
	if !ok {
		return nil, notInBaseline("ConfigMap", p.Namespace, p.ConfigMap)
	}
	c := &corev1.ConfigMap{}
	if err := fromUnstructured(o, c); err != nil {
		return nil, err
	}
	return documentsOf(c)
}

func documentsOf(c *corev1.ConfigMap) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		objects, err := manifest.Parse([]byte(c.Data[key]))
		if errors.Is(err, manifest.ErrIncomplete) {
			return nil, &unreadableError{said: say("a document of %s lacks apiVersion, kind or metadata.name", "%s に apiVersion、kind、metadata.name のどれかがない文書があります", key)}
		}
		if err != nil {
			return nil, &unreadableError{said: say("%s cannot be read as YAML", "%s を YAML として読めません", key), cause: err.Error()}
		}
		all = append(all, objects...)
	}
	return all, nil
}

func manifestName(o *unstructured.Unstructured) string {
	return strings.ToLower(o.GetKind()) + "/" + o.GetName()
}

// lostManifest says what has become of a document: it must be there and hold at least what it held, but for the version.
func lostManifest(was *unstructured.Unstructured, now []*unstructured.Unstructured) content.Text {
	at := slices.IndexFunc(now, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == was.GetKind() && o.GetNamespace() == was.GetNamespace() && o.GetName() == was.GetName()
	})
	if at < 0 {
		return say("the manifest of %s is gone", "%s のマニフェストがなくなっています", manifestName(was))
	}
	is := now[at].DeepCopy()
	is.SetAPIVersion(was.GetAPIVersion())
	if field := missing(was.Object, is.Object, ""); field != "" {
		return say("the manifest of %s does not say any more what it said: %s", "%s のマニフェストの内容が変わっています: %s", manifestName(was), field)
	}
	return content.Text{}
}

// missing returns the first field of was that is not so in is.
func missing(was, is map[string]any, prefix string) string {
	for _, name := range slices.Sorted(maps.Keys(was)) {
		value, there := is[name]
		inner, deeper := was[name].(map[string]any)
		if deeper {
			other, _ := value.(map[string]any)
			if field := missing(inner, other, prefix+name+"."); field != "" {
				return field
			}
			continue
		}
		if !there || !reflect.DeepEqual(was[name], value) {
			return prefix + name
		}
	}
	return ""
}

// dryApply asks the API server to apply a manifest, without doing it, and returns what it says against it.
func dryApply(ctx context.Context, env Env, o *unstructured.Unstructured) (fault content.Text, cause string, err error) {
	name, gvk := manifestName(o), o.GroupVersionKind()
	resource, fault, err := resourceOf(env, gvk)
	if err != nil || !fault.IsZero() {
		return fault, "", err
	}
	path := []string{"/apis", gvk.Group, gvk.Version}
	if gvk.Group == "" {
		path = []string{"/api", gvk.Version}
	}
	if resource.Namespaced {
		ns := o.GetNamespace()
		if ns == "" {
			ns = metav1.NamespaceDefault
		}
		path = append(path, "namespaces", ns)
	}
	body, err := json.Marshal(o)
	if err != nil {
		return fault, "", fmt.Errorf("%s: %w", name, err)
	}
	heard := &warnings{}
	err = env.Client.CoreV1().RESTClient().Patch(types.ApplyPatchType).AbsPath(append(path, resource.Name, o.GetName())...).
		Param("dryRun", metav1.DryRunAll).Param("fieldManager", "k8slab-grader").Param("force", "true").
		WarningHandler(heard).Body(body).Do(ctx).Error()
	switch {
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err), apierrors.IsNotFound(err):
		return say("the API server refuses the manifest of %s", "API サーバーが %s のマニフェストを断りました", name), err.Error(), nil
	case err != nil:
		return fault, "", fmt.Errorf("applying %s in a dry run: %w", name, err)
	case len(heard.text) > 0:
		return say("the API server warns of the manifest of %s, which is written as %s", "%s のマニフェスト (%s) に API サーバーが警告しました", name, o.GetAPIVersion()),
			"Warning: " + heard.text[0], nil
	}
	return content.Text{}, "", nil
}

// resourceOf finds the resource of a kind. The fault says that the API server does not serve it.
func resourceOf(env Env, gvk schema.GroupVersionKind) (resource metav1.APIResource, fault content.Text, err error) {
	served, err := env.Client.Discovery().ServerResourcesForGroupVersion(gvk.GroupVersion().String())
	if err != nil && !apierrors.IsNotFound(err) {
		return resource, fault, fmt.Errorf("asking the API server for %s: %w", gvk.GroupVersion(), err)
	}
	if err == nil {
		for _, r := range served.APIResources {
			if r.Kind == gvk.Kind && !strings.Contains(r.Name, "/") {
				return r, fault, nil
			}
		}
	}
	return resource, say("the API server serves no %s in %s", "API サーバーは %[2]s の %[1]s を提供していません", gvk.Kind, gvk.GroupVersion()), nil
}

// warnings collects what the API server warns of (RFC 7234, section 5.5).
type warnings struct {
	mu   sync.Mutex
	text []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(code int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if code == 299 && text != "" {
		w.text = append(w.text, text)
	}
}

type callersParams struct {
	Namespace      string `yaml:"namespace" doc:"Namespace of the ConfigMap and of the ServiceAccount." ja:"ConfigMap と ServiceAccount の Namespace。"`
	ConfigMap      string `yaml:"configMap" doc:"Name of the ConfigMap of manifests." ja:"マニフェストが入った ConfigMap の名前。"`
	ServiceAccount string `yaml:"serviceAccount" doc:"Name of the ServiceAccount whose program applies them again and again." ja:"それを繰り返し適用するプログラムの ServiceAccount の名前。"`
}

func deprecatedNotCalled() Definition {
	return Define("api/deprecated-not-called", Doc{
		Summary: say("Nobody writes to a deprecated API any more, and the program that did still does its work.",
			"廃止予定の API への書き込みがなくなり、書き込んでいたプログラムは仕事を続けている。"),
		Pass: say("Since the manifests were changed last, or since the control plane was upgraded, nobody else's write was recorded with the audit annotation k8s.io/deprecated, and the program has applied each of them, the last time without it.",
			"マニフェストの最後の変更、またはコントロールプレーンのアップグレード以降、プログラム以外から監査アノテーション k8s.io/deprecated の付いた書き込みがなく、プログラムがすべてのマニフェストを適用していて、その最後の書き込みにも付いていない。"),
		Fail: say("There was such a write; the failure says whose. Or the program has not applied a manifest since, or still the old way; both are waited for.",
			"そのような書き込みがあった (誰のものかを示す)。または、プログラムがまだ適用していないか、古いまま適用しているマニフェストがある (しばらく待つ)。"),
	}, judgeCallers, AuditLog)
}

func judgeCallers(ctx context.Context, env Env, p callersParams) (Result, error) {
	manifests := manifestsParams{Namespace: p.Namespace, ConfigMap: p.ConfigMap}
	user := "system:serviceaccount:" + p.Namespace + ":" + p.ServiceAccount
	want := say("nobody writes to a deprecated API, and %s goes on applying its manifests", "廃止予定の API に誰も書き込まず、%s がマニフェストの適用を続けること", p.ServiceAccount)
	why := say("A caller of an API that the next release does not serve breaks with the upgrade. One that does nothing any more is broken already.",
		"次のリリースでなくなる API を使い続けるプログラムは、アップグレードすると動かなくなります。何もしなくなったプログラムは、すでに役目を果たしていません。")
	requests, err := env.History.Requests(ctx, history.Query{Since: env.Since})
	if err != nil {
		return Result{}, fmt.Errorf("looking up who writes to deprecated APIs: %w", err)
	}
	changed := env.Since
	for _, r := range requests {
		if r.Resource == "configmaps" && r.Namespace == p.Namespace && r.Name == p.ConfigMap && history.IsPerson(r.User) && succeeded(r) && r.Time.After(changed) {
			changed = r.Time
		}
	}
	upgrades, err := env.upgrades(ctx)
	if err != nil && !errors.Is(err, history.ErrNotRecorded) {
		return Result{}, fmt.Errorf("looking up when the control plane was upgraded: %w", err)
	}
	for _, u := range upgrades {
		if u.Node == "" && u.Outcome == history.Upgraded && u.Time.After(changed) {
			changed = u.Time // what counts is who is left behind by it
		}
	}
	// last is the program's last word on each object. It may read its manifests some seconds late: a kubelet brings a changed ConfigMap
	// into a volume only when it next looks at the pod.
	last := map[string]history.Request{}
	for _, r := range requests {
		if r.DryRun || !r.Time.After(changed) || !history.IsPerson(r.User) {
			continue
		}
		switch own := r.User == user; {
		case own && (r.Deprecated || succeeded(r)):
			last[r.Group+"/"+r.Resource+"/"+r.Name] = r
		case !own && r.Deprecated:
			return fail(r.Resource+"/"+r.Name, want, wroteDeprecated(r), why).because(removalOf(r)), nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		if r := last[name]; r.Deprecated {
			return fail(r.Resource+"/"+r.Name, want, wroteDeprecated(r), why).because(removalOf(r)).waitingFor("the next round of " + p.ServiceAccount), nil
		}
	}
	documents, err := manifestsOf(ctx, env, manifests)
	if unreadable, ok := errors.AsType[*unreadableError](err); ok {
		return fail(manifests.object(), want, unreadable.said, why).because(unreadable.cause), nil
	}
	if err != nil {
		return Result{}, err
	}
	for _, o := range documents {
		resource, fault, err := resourceOf(env, o.GroupVersionKind())
		if err != nil {
			return Result{}, err
		}
		if !fault.IsZero() {
			return fail(manifests.object(), want, fault, why), nil
		}
		if _, said := last[o.GroupVersionKind().Group+"/"+resource.Name+"/"+o.GetName()]; !said {
			return fail(manifestName(o), want,
				say("%s has not applied %s since %s", "%[1]s は %[3]s 以降、%[2]s を適用していません", p.ServiceAccount, manifestName(o), changed.Local().Format("15:04:05")), why).
				waitingFor("the next round of " + p.ServiceAccount), nil
		}
	}
	return pass(manifests.object(), say("%d manifests applied, nothing deprecated", "マニフェスト %d 個を適用し、廃止予定の API は使われていません", len(documents))), nil
}

func wroteDeprecated(r history.Request) content.Text {
	return say("%s wrote %s/%s as %s/%s at %s", "%[1]s が %[6]s に %[2]s/%[3]s を %[4]s/%[5]s として書き込みました", who(r), r.Resource, r.Name, r.Group, r.Version, clock(r))
}

func removalOf(r history.Request) string {
	return recordOf(r) + ", k8s.io/removed-release " + r.RemovedRelease
}

func succeeded(r history.Request) bool { return r.Code > 0 && r.Code < 400 && !r.DryRun }
