package object

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type celObject struct {
	APIVersion string `yaml:"apiVersion" doc:"Such as apps/v1." ja:"apps/v1 など。"`
	Kind       string `yaml:"kind" doc:"Such as Deployment, or a kind that a CustomResourceDefinition defines." ja:"Deployment など。CustomResourceDefinition で定義した種類でもよい。"`
	Namespace  string `yaml:"namespace,omitempty" doc:"Namespace; none for a kind that is not namespaced." ja:"Namespace。Namespace に属さない種類では書かない。"`
	Name       string `yaml:"name" doc:"Name of the object." ja:"オブジェクトの名前。"`
}

type celList struct {
	APIVersion string `yaml:"apiVersion" doc:"Such as v1." ja:"v1 など。"`
	Kind       string `yaml:"kind" doc:"Such as Pod, or a kind that a CustomResourceDefinition defines." ja:"Pod など。CustomResourceDefinition で定義した種類でもよい。"`
	Namespace  string `yaml:"namespace,omitempty" doc:"Namespace; none means all of them." ja:"Namespace。書かなければすべて。"`
	// Selector is nil for all objects of the kind.
	Selector *checks.Selector `yaml:"selector,omitempty" doc:"Label selector; none means all objects of the kind." ja:"ラベルセレクター。書かなければ、その種類のオブジェクトすべて。"`
}

type celParams struct {
	Object     *celObject `yaml:"object,omitempty" doc:"The object that the expression is about. Without it the check fails. Either this or list." ja:"式で調べるオブジェクト。なければ不合格になる。list とどちらか一方を書く。"`
	List       *celList   `yaml:"list,omitempty" doc:"The objects that the expression is about; there may be none. Either this or object." ja:"式で調べるオブジェクトの一覧。空でもよい。object とどちらか一方を書く。"`
	Expression string     `yaml:"expression" doc:"CEL that is true when the work is done. It has object or items, baseline (the same at the start; null or an empty list where there was none) and now." ja:"できていれば true になる CEL の式。object または items、開始時の状態 baseline (なかった場合は null または空の一覧)、現在の時刻 now を使える。"`
	Want       text.Text  `yaml:"want" doc:"What is wanted, for a learner." ja:"何を期待するか。受講者に見せる。"`
	Why        text.Text  `yaml:"why" doc:"Why it matters, for a learner." ja:"なぜ大事か。受講者に見せる。"`
	Got        *text.Text `yaml:"got,omitempty" doc:"Two CEL expressions of the same variables, one for each language, that say what was found." ja:"何が見つかったかを文字列で返す CEL の式。言語ごとに 1 つ。使える変数は同じ。"`
	Pending    string     `yaml:"pending,omitempty" doc:"CEL that says as text what a controller has yet to do, or returns ''. While it says something, a failure is looked at again for a while." ja:"コントローラーがまだ終えていないことを文字列で返す CEL の式。なければ '' を返す。何か返すあいだは、しばらく待って調べ直す。"`
}

// celExpression is the check for what no other check of the vocabulary says. A missing object or field is the learner's
// fault, and an expression that cannot be evaluated is the author's:
//   - The object or its kind does not exist, or the expression reads a field or an entry that does not exist: failed,
//     with the name of the field as the cause. Only labs that were proved are played, and there the right answers set
//     the field.
//   - Anything else that keeps the expression from being evaluated, such as values of other types, more work than the
//     cost limit allows, a timeout or an error of the API: could not tell.
//   - An expression that looks at a status waits until a controller has observed the object's latest generation.
func celExpression() checks.Definition {
	environment := sync.OnceValues(newCELEnvironment)
	return checks.DefinePrepared("cel/expression", checks.Doc{
		Summary: text.New("An expression in CEL holds for an object or a list of objects. It is for what no other check says.",
			"1 つのオブジェクト、またはオブジェクトの一覧について、CEL の式が成り立つ。ほかのチェックで表せないときに使う。"),
		Pass: text.New("The expression is true.", "式が true になる。"),
		Fail: text.New("It is false, the object is missing, or a field that the expression reads is missing; has() and .? read a field that may be absent. What cannot be evaluated for another reason is not held against the learner.",
			"式が false になる、オブジェクトがない、または式で使うフィールドがない。ないかもしれないフィールドには has() や .? を使う。ほかの理由で評価できないときは、受講者の誤りとは見なさない。"),
	}, func(p celParams) (checks.Bound, error) {
		c, err := p.compile(environment)
		if err != nil {
			return nil, err
		}
		return c.judge, nil
	})
}

// validate finds what is wrong with the parameters, expressions aside.
func (p celParams) validate() error {
	switch {
	case p.Object != nil && p.List != nil:
		return errors.New("list: there is an object, too; remove one of them")
	case p.Object == nil && p.List == nil:
		return errors.New("neither an object nor a list is given; add one of them")
	case p.List != nil:
		return within("list", validCELKind(p.List.APIVersion, p.List.Kind, p.List.Namespace, true))
	}
	return within("object", validCELKind(p.Object.APIVersion, p.Object.Kind, p.Object.Namespace, false))
}

func within(field string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s.%w", field, err)
}

// celCheck is a check whose expressions are compiled.
type celCheck struct {
	celParams
	holds   celProgram
	got     map[text.Lang]celProgram
	pending *celProgram
	// onStatus: the expression looks at a status, which a controller writes.
	onStatus bool
}

// celView is what the expressions are about.
type celView struct {
	// object as kubectl names it.
	object    string
	variables map[string]any
	// lagging names an object whose latest generation its controller has not observed.
	lagging string
	// absent says that there is no such object.
	absent text.Text
}

func (c *celCheck) judge(ctx context.Context, env checks.Env) (checks.Result, error) {
	view, err := c.view(ctx, env)
	if err != nil {
		return checks.Result{}, err
	}
	if !view.absent.IsZero() {
		return checks.Fail(view.object, c.Want, view.absent, c.Why), nil
	}
	if c.onStatus && view.lagging != "" {
		return checks.Fail(view.object, c.Want, text.New("the controller of %s has not seen its latest change", "%s の最新の変更を、コントローラーがまだ処理していません", view.lagging), c.Why).
			WaitingFor("observation of " + view.lagging), nil
	}
	holds, err := c.holds.boolean(ctx, view.variables)
	missing, isMissing := errors.AsType[missingFieldError](err)
	switch {
	case err != nil && !isMissing:
		return checks.Result{}, err
	case holds:
		return checks.Pass(view.object, text.Text{}), nil
	}
	got, err := c.found(ctx, view, isMissing)
	if err != nil {
		return checks.Result{}, err
	}
	pending, err := c.awaited(ctx, view)
	if err != nil {
		return checks.Result{}, err
	}
	result := checks.Fail(view.object, c.Want, got, c.Why).WaitingFor(pending)
	if isMissing {
		result = result.Because(missing.Error())
	}
	return result, nil
}

// found says what was found, in the author's words where there are any.
func (c *celCheck) found(ctx context.Context, view *celView, isMissing bool) (text.Text, error) {
	plain := text.New("%s is not like that", "%s はそうなっていません", view.object)
	if isMissing {
		plain = text.New("%s lacks a field or an entry that was looked for", "%s に、調べる対象のフィールドまたは要素がありません", view.object)
	}
	if c.got == nil {
		return plain, nil
	}
	var said [len(text.Langs)]string
	for i, lang := range text.Langs {
		words, err := c.got[lang].text(ctx, view.variables)
		if _, missing := errors.AsType[missingFieldError](err); missing {
			return plain, nil
		}
		if err != nil {
			return text.Text{}, err
		}
		said[i] = words
	}
	return text.Text{EN: said[0], JA: said[1]}, nil
}

// awaited says what a controller has yet to do. A field that is missing is not waited for.
func (c *celCheck) awaited(ctx context.Context, view *celView) (string, error) {
	if c.pending == nil {
		return "", nil
	}
	text, err := c.pending.text(ctx, view.variables)
	if _, missing := errors.AsType[missingFieldError](err); missing {
		return "", nil
	}
	return text, err
}

func (c *celCheck) view(ctx context.Context, env checks.Env) (*celView, error) {
	if c.List != nil {
		return viewList(ctx, env, c.List)
	}
	return viewObject(ctx, env, c.Object)
}

func viewObject(ctx context.Context, env checks.Env, p *celObject) (*celView, error) {
	view := &celView{object: strings.ToLower(p.Kind) + "/" + p.Name}
	k, err := kube.ServedKind(ctx, env, p.APIVersion, p.Kind)
	if err != nil {
		return nil, err
	}
	if k == nil {
		view.absent = text.New("the cluster knows no kind %s of %s", "クラスターに %s (%s) という種類はありません", p.Kind, p.APIVersion)
		return view, nil
	}
	switch {
	case k.Namespaced && p.Namespace == "":
		return nil, fmt.Errorf("object.namespace of the check cel/expression is missing: a %s has one", p.Kind)
	case !k.Namespaced && p.Namespace != "":
		return nil, fmt.Errorf("object.namespace of the check cel/expression is there, but a %s has none", p.Kind)
	}
	live, err := k.Get(ctx, env, p.Namespace, p.Name)
	if err != nil {
		return nil, err
	}
	before, known := env.Baseline.Object(k.GroupVersionKind.GroupKind(), p.Namespace, p.Name)
	switch {
	case live == nil && known:
		view.absent = kube.Deleted(view.object)
		return view, nil
	case live == nil:
		view.absent = text.New("there is no %s", "%s はありません", view.object)
		return view, nil
	}
	var baseline any
	if known {
		baseline = before.Object
	}
	view.variables = map[string]any{"object": live.Object, "baseline": baseline, "now": time.Now()}
	if unobserved(live) {
		view.lagging = view.object
	}
	return view, nil
}

func viewList(ctx context.Context, env checks.Env, p *celList) (*celView, error) {
	k, err := kube.ServedKind(ctx, env, p.APIVersion, p.Kind)
	if err != nil {
		return nil, err
	}
	items, baseline := []any{}, []any{}
	view := &celView{object: strings.ToLower(p.Kind), variables: map[string]any{"now": time.Now()}}
	if k != nil {
		view.object = k.Resource
		selector := labels.Everything()
		if p.Selector != nil {
			selector = p.Selector.Selector
		}
		found, err := env.Dynamic.Resource(k.GroupVersion().WithResource(k.Resource)).Namespace(p.Namespace).
			List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", k.Resource, err)
		}
		for i := range found.Items {
			items = append(items, found.Items[i].Object)
			if unobserved(&found.Items[i]) {
				view.lagging = strings.ToLower(p.Kind) + "/" + found.Items[i].GetName()
			}
		}
		for _, o := range env.Baseline.Objects(k.GroupVersionKind.GroupKind()) {
			if (p.Namespace == "" || o.GetNamespace() == p.Namespace) && selector.Matches(labels.Set(o.GetLabels())) {
				baseline = append(baseline, o.Object)
			}
		}
	}
	view.variables["items"], view.variables["baseline"] = items, baseline
	return view, nil
}

// unobserved reports that a controller has yet to look at the object's latest generation. A controller of a built-in
// workload or budget always reports what it has observed; of another kind, one that says nothing is not waited for.
func unobserved(o *unstructured.Unstructured) bool {
	observed, found, err := unstructured.NestedInt64(o.Object, "status", "observedGeneration")
	if err != nil {
		return false
	}
	if !found {
		switch o.GroupVersionKind().GroupKind().String() {
		case "Deployment.apps", "StatefulSet.apps", "DaemonSet.apps", "ReplicaSet.apps", "PodDisruptionBudget.policy":
			return true
		}
		return false
	}
	return observed < o.GetGeneration()
}

// validCELKind refuses what is wrong on every cluster: an invalid version, a built-in kind that is misspelt or in
// another group, and a namespace for a kind that has none.
func validCELKind(apiVersion, name, namespace string, list bool) error {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil || gv.Version == "" {
		return fmt.Errorf("apiVersion: %q is no version; write one such as v1 or apps/v1", apiVersion)
	}
	var group []string
	for _, k := range kube.BuiltInKinds() {
		if k.Group == gv.Group {
			group = append(group, k.Kind)
		}
	}
	k, err := kube.KindNamed(gv.Group + "/" + name)
	if err != nil {
		if near, ok := text.Nearest(name, group); ok {
			return fmt.Errorf("kind: %s has no kind %q; did you mean %s?", apiVersion, name, near)
		}
		if other, elsewhere := kube.KindNamed(name); elsewhere == nil && len(group) > 0 {
			return fmt.Errorf("kind: %s has no kind %q; write the apiVersion %s", apiVersion, name, other.GroupVersion())
		}
		return nil // a kind of another group, which only the cluster knows
	}
	switch {
	case !list && k.Namespaced && namespace == "":
		return fmt.Errorf("namespace: a %s has one; add it", name)
	case !k.Namespaced && namespace != "":
		return fmt.Errorf("namespace: a %s has none; remove it", name)
	}
	return nil
}
