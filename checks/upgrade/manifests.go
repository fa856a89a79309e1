package upgrade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/manifest"
	"github.com/k8slab/k8slab/text"
)

type manifestsParams struct {
	Namespace string `yaml:"namespace" doc:"Namespace of the ConfigMap." ja:"ConfigMap の Namespace。"`
	ConfigMap string `yaml:"configMap" doc:"Name of the ConfigMap of the starting state that holds the manifests." ja:"マニフェストが入った、開始時からある ConfigMap の名前。"`
}

func (p manifestsParams) object() string { return "configmap/" + p.ConfigMap }

func manifestsWithoutWarning() checks.Definition {
	return checks.Define("manifests/no-warnings", checks.Doc{
		Summary: text.New("The manifests in a ConfigMap can be applied without a warning.", "ConfigMap に入ったマニフェストを、警告なしで適用できる。"),
		Pass: text.New("Every document of the start is still there and says what it said, but for its apiVersion; and the API server accepts every document in a dry run without a Warning.",
			"開始時の文書がすべて残っていて、apiVersion のほかは内容が変わっておらず、どの文書もドライランで Warning なしに受け入れられる。"),
		Fail: text.New("A document is gone, says something else or cannot be read, or the API server refuses it or warns of it, in its own words.",
			"なくなった文書、内容の変わった文書、読めない文書がある。または API サーバーが断るか警告する (その言葉を示す)。"),
	}, judgeManifests)
}

func judgeManifests(ctx context.Context, env checks.Env, p manifestsParams) (checks.Result, error) {
	want := text.New("every manifest in %s is what it was and can be applied without a warning", "%s のどのマニフェストも、内容は元のままで、警告なしに適用できること", p.object())
	why := text.New("A warning names an API that a coming release does not serve. From then on the same manifest is refused.",
		"警告は、今後のリリースで提供されなくなる API を知らせています。そのリリースからは、同じマニフェストが断られます。")
	now, err := manifestsOf(ctx, env, p)
	if unreadable, ok := errors.AsType[*unreadableError](err); ok {
		return checks.Fail(p.object(), want, unreadable.said, why).Because(unreadable.cause), nil
	}
	if err != nil {
		return checks.Result{}, err
	}
	before, err := manifestsBefore(env, p)
	if err != nil {
		return checks.Result{}, err
	}
	for _, was := range before {
		if fault := lostManifest(was, now); !fault.IsZero() {
			return checks.Fail(p.object(), want, fault, text.New("Others rely on what the manifests make. To leave a document out fixes nothing.",
				"このマニフェストが作るものに、頼っている人がいます。文書を取り除いても、何も直したことになりません。")), nil
		}
	}
	for _, o := range now {
		fault, cause, err := dryApply(ctx, env, o)
		if err != nil {
			return checks.Result{}, err
		}
		if !fault.IsZero() {
			return checks.Fail(p.object(), want, fault, why).Because(cause), nil
		}
	}
	return checks.Pass(p.object(), text.New("%d manifests, no warning", "マニフェスト %d 個、警告なし", len(now))), nil
}

// unreadableError says what is wrong with a ConfigMap of manifests.
type unreadableError struct {
	said  text.Text
	cause string
}

func (e *unreadableError) Error() string { return e.said.EN }

// manifestsOf reads the manifests as they are now. The error is an unreadableError if a learner has to fix them.
func manifestsOf(ctx context.Context, env checks.Env, p manifestsParams) ([]*unstructured.Unstructured, error) {
	c, err := env.Client.CoreV1().ConfigMaps(p.Namespace).Get(ctx, p.ConfigMap, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, &unreadableError{said: kube.Deleted(p.object())}
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p.object(), err)
	}
	return documentsOf(c)
}

func manifestsBefore(env checks.Env, p manifestsParams) ([]*unstructured.Unstructured, error) {
	o, ok := env.Baseline.Object(schema.GroupKind{Kind: "ConfigMap"}, p.Namespace, p.ConfigMap)
	if !ok {
		return nil, kube.NotInBaseline("ConfigMap", p.Namespace, p.ConfigMap)
	}
	c := &corev1.ConfigMap{}
	if err := kube.FromUnstructured(o, c); err != nil {
		return nil, err
	}
	return documentsOf(c)
}

func documentsOf(c *corev1.ConfigMap) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, key := range slices.Sorted(maps.Keys(c.Data)) {
		objects, err := manifest.Parse([]byte(c.Data[key]))
		if errors.Is(err, manifest.ErrIncomplete) {
			return nil, &unreadableError{said: text.New("a document of %s lacks apiVersion, kind or metadata.name", "%s に apiVersion、kind、metadata.name のどれかがない文書があります", key)}
		}
		if err != nil {
			return nil, &unreadableError{said: text.New("%s cannot be read as YAML", "%s を YAML として読めません", key), cause: err.Error()}
		}
		all = append(all, objects...)
	}
	return all, nil
}

func manifestName(o *unstructured.Unstructured) string {
	return strings.ToLower(o.GetKind()) + "/" + o.GetName()
}

// lostManifest says how a document of the start was lost: every field but apiVersion must still be there with its
// value.
func lostManifest(was *unstructured.Unstructured, now []*unstructured.Unstructured) text.Text {
	at := slices.IndexFunc(now, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == was.GetKind() && o.GetNamespace() == was.GetNamespace() && o.GetName() == was.GetName()
	})
	if at < 0 {
		return text.New("the manifest of %s is gone", "%s のマニフェストがなくなっています", manifestName(was))
	}
	is := now[at].DeepCopy()
	is.SetAPIVersion(was.GetAPIVersion())
	if field := kube.MissingField(was.Object, is.Object, ""); field != "" {
		return text.New("the manifest of %s does not say any more what it said: %s", "%s のマニフェストの内容が変わっています: %s", manifestName(was), field)
	}
	return text.Text{}
}

// dryApply applies a manifest in a dry run and returns the API server's refusal or warning.
func dryApply(ctx context.Context, env checks.Env, o *unstructured.Unstructured) (fault text.Text, cause string, err error) {
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
		return text.New("the API server refuses the manifest of %s", "API サーバーが %s のマニフェストを断りました", name), err.Error(), nil
	case err != nil:
		return fault, "", fmt.Errorf("applying %s in a dry run: %w", name, err)
	case len(heard.text) > 0:
		return text.New("the API server warns of the manifest of %s, which is written as %s", "%s のマニフェスト (%s) に API サーバーが警告しました", name, o.GetAPIVersion()),
			"Warning: " + heard.text[0], nil
	}
	return text.Text{}, "", nil
}

// resourceOf finds the resource of a kind. The fault says that the API server does not serve it.
func resourceOf(env checks.Env, gvk schema.GroupVersionKind) (resource metav1.APIResource, fault text.Text, err error) {
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
	return resource, text.New("the API server serves no %s in %s", "API サーバーは %[2]s の %[1]s を提供していません", gvk.Kind, gvk.GroupVersion()), nil
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
