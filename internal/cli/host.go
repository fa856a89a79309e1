package cli

import (
	"context"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

// examineHost looks at a cluster that somebody else made or, without a place, at what a cluster of that kind needs.
func (inv *invocation) examineHost(ctx context.Context, kind string, place cluster.Place) ([]present.Finding, error) {
	eng, err := inv.engine()
	if err != nil {
		return nil, err
	}
	p, err := eng.Provider(kind)
	if err != nil {
		return nil, err
	}
	guest, isGuest := cluster.As[cluster.Guest](p)
	examiner, examines := cluster.As[cluster.Examiner](p)
	if !isGuest && (!examines || !place.IsZero()) {
		return nil, problem.New(problem.Usage,
			text.New("flags that name a cluster go with --cluster existing or --cluster aks", "クラスターを指定するフラグは --cluster existing または --cluster aks と一緒に使います"), action.HelpOn(action.Doctor))
	}
	if examines {
		var findings []present.Finding
		for _, f := range examiner.Examine(ctx, place) {
			findings = append(findings, present.FoundBy(f, problem.Cluster))
		}
		return findings, nil
	}
	host, err := guest.Look(ctx, "", place)
	if err != nil {
		return []present.Finding{present.FindingOf("cluster", err)}, nil
	}
	findings := []present.Finding{{Name: "cluster", State: present.FindingOK, Found: text.New("%s answers as Kubernetes %s and knows you as %s", "%s は Kubernetes %s です。ユーザー名は %s です", host.Server, host.Version, host.User)}}
	for _, sign := range host.Production {
		findings = append(findings, present.Finding{Name: "production", State: present.FindingNote, Found: text.Text{
			EN: "looks like a cluster that people depend on: " + sign.EN, JA: "人が使っているクラスターのようです: " + sign.JA,
		}})
	}
	return findings, nil
}
