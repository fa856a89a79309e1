package object

import (
	"context"
	"fmt"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/text"
)

type objectParams struct {
	Kind      string `yaml:"kind" doc:"Built-in kind, such as Deployment or apps/Deployment." ja:"組み込みの種類。Deployment や apps/Deployment など。"`
	Namespace string `yaml:"namespace,omitempty" doc:"Namespace; none for a kind that is not namespaced." ja:"Namespace。Namespace に属さない種類では書かない。"`
	Name      string `yaml:"name" doc:"Name of the object." ja:"オブジェクトの名前。"`
}

func (p objectParams) validate() error {
	k, err := kube.KindNamed(p.Kind)
	switch {
	case err != nil:
		return err
	case k.Namespaced && p.Namespace == "":
		return fmt.Errorf("namespace: a %s has one; add it", k.Kind)
	case !k.Namespaced && p.Namespace != "":
		return fmt.Errorf("namespace: a %s has none; remove it", k.Kind)
	}
	return nil
}

type identityParams struct {
	Objects []objectParams `yaml:"objects" doc:"The objects of the starting state that must remain." ja:"残っていなければならない、開始時のオブジェクト。"`
}

func (p identityParams) Validate() error {
	for i, o := range p.Objects {
		if err := o.validate(); err != nil {
			return fmt.Errorf("objects[%d].%w", i, err)
		}
	}
	return nil
}

func sameIdentity() checks.Definition {
	return checks.Define("object/same-identity", checks.Doc{
		Summary: text.New("Objects were changed where needed, but neither deleted nor created again.",
			"オブジェクトが、削除も作り直しもされずに残っている。"),
		Pass: text.New("Every object exists with the UID that it had at the start.", "どのオブジェクトも開始時と同じ UID で存在する。"),
		Fail: text.New("An object was deleted, is being deleted, or is another one of the same name.",
			"削除された、削除の途中である、または同じ名前の別のオブジェクトになっている。"),
	}, func(ctx context.Context, env checks.Env, p identityParams) (checks.Result, error) {
		var faults []text.Text
		var first string
		for _, o := range p.Objects {
			fault, err := lostIdentity(ctx, env, o)
			if err != nil {
				return checks.Result{}, err
			}
			if fault.IsZero() {
				continue
			}
			if first == "" {
				first = o.object()
			}
			faults = append(faults, fault)
		}
		if len(faults) == 0 {
			return checks.Pass(p.Objects[0].object(), text.Text{}), nil
		}
		return checks.Fail(first,
			text.New("the objects of the starting state are still the same ones", "開始時からあるオブジェクトがそのまま残っていること"),
			text.Sentences(faults),
			text.New("In a real cluster others rely on an object: taking it away, even for a moment, takes away what it protects or runs. Repair it in place.",
				"実際のクラスターでは、ほかの人や仕組みがそのオブジェクトに頼っています。一瞬でも消せば、それが守っているものや動かしているものも失われます。その場で直しましょう。")), nil
	})
}

func (p objectParams) object() string {
	_, short, qualified := strings.Cut(p.Kind, "/")
	if !qualified {
		short = p.Kind
	}
	return strings.ToLower(short) + "/" + p.Name
}

// lostIdentity says how an object of the start was lost, and nothing if it is still the same one.
func lostIdentity(ctx context.Context, env checks.Env, p objectParams) (text.Text, error) {
	k, err := kube.KindNamed(p.Kind)
	if err != nil {
		return text.Text{}, err
	}
	gk := k.GroupVersionKind.GroupKind()
	before, ok := env.Baseline.Object(gk, p.Namespace, p.Name)
	if !ok {
		return text.Text{}, kube.NotInBaseline(p.Kind, p.Namespace, p.Name)
	}
	now, err := kube.ReadLive(ctx, env, gk, p.Namespace, p.Name)
	switch {
	case err != nil:
		return text.Text{}, err
	case now == nil:
		return kube.Deleted(p.object()), nil
	case now.GetUID() != before.GetUID():
		return text.New("%s was deleted and made again: it is another object of the same name",
			"%s は削除されて作り直されています。名前は同じでも別のオブジェクトです", p.object()), nil
	case now.GetDeletionTimestamp() != nil && before.GetDeletionTimestamp() == nil:
		return text.New("%s is being deleted", "%s は削除されようとしています", p.object()), nil
	}
	return text.Text{}, nil
}
