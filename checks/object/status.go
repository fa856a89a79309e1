package object

import (
	"context"
	"fmt"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/checks/kube"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

type ownStatus struct {
	Group    string `yaml:"group" doc:"Group of the resource, such as apiextensions.k8s.io." ja:"リソースのグループ。apiextensions.k8s.io など。"`
	Resource string `yaml:"resource" doc:"The resource, such as customresourcedefinitions." ja:"リソース。customresourcedefinitions など。"`
	Name     string `yaml:"name,omitempty" doc:"Name of the object; none means any." ja:"オブジェクトの名前。書かなければすべて。"`
}

type statusParams struct {
	Objects []ownStatus `yaml:"objects" doc:"Objects whose status belongs to a controller." ja:"status をコントローラーに任せるオブジェクト。"`
}

func statusLeftAlone() checks.Definition {
	return checks.Define("object/status-not-written", checks.Doc{
		Summary: text.New("Nobody wrote the status of an object by hand.",
			"オブジェクトの status が人の手で書き換えられていない。"),
		Pass: text.New("Since the start only the control plane wrote it.", "開始以降、コントロールプレーンだけが書き込んでいる。"),
		Fail: text.New("A person did; the failure says who and when.", "人が書き込んだ。誰がいつ行ったかを示す。"),
	}, func(ctx context.Context, env checks.Env, p statusParams) (checks.Result, error) {
		for _, o := range p.Objects {
			requests, err := env.AuditLog.Requests(ctx, history.Query{
				Since: env.Since, Verbs: []string{"update", "patch"}, Group: o.Group, Resource: o.Resource, Name: o.Name, Subresource: "status", Succeeded: true,
			})
			if err != nil {
				return checks.Result{}, fmt.Errorf("looking up who wrote the status of %s: %w", o.Resource, err)
			}
			for _, r := range requests {
				if history.IsPerson(r.User) {
					return checks.Fail(r.Resource+"/"+r.Name, text.New("nobody writes the status of %s by hand", "%s の status を手で書き換えないこと", r.Resource),
						text.New("%s wrote the status of %s at %s", "%[1]s が %[3]s に %[2]s の status を書き換えました", kube.Who(r), r.Name, kube.Clock(r.Time)),
						text.New("A status tells what is. Written by hand it tells what somebody would like, and everybody who relies on it is misled, the API server first of all.",
							"status は現状を伝えるものです。手で書き換えると願望を伝えることになり、それを信じる人が、まず API サーバーが、だまされます。")).
						Because(kube.AuditLine(r)), nil
				}
			}
		}
		return checks.Pass("", text.Text{}), nil
	}).Needing(checks.AuditLog)
}
