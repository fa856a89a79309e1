package kind

import (
	"context"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/text"
)

// usualNodes is how many nodes a lab has.
const usualNodes = 4

// Examine implements cluster.Examiner: it looks at the engine, at the resources that a lab's cluster takes, and at the
// node images of the releases that labs use. Nothing is pulled.
func (p *Provider) Examine(ctx context.Context, _ cluster.Place) []cluster.Finding {
	e, err := findEngine(ctx, "")
	if err != nil {
		return []cluster.Finding{cluster.FindingOf("engine", err)}
	}
	found := []cluster.Finding{{Name: "engine", State: "ok", Found: text.New("%s answers; control groups are version %d", "%s が応答しています。cgroup はバージョン %d です", e, e.info.cgroup)}}
	if err := e.checkResources(ctx, cluster.Spec{Nodes: make([]cluster.Node, usualNodes)}); err != nil {
		found = append(found, cluster.FindingOf("resources", err))
	} else {
		found = append(found, cluster.Finding{Name: "resources", State: "ok", Found: text.New("there is room for a cluster of %d nodes", "%d ノードのクラスターを動かせます", usualNodes)})
	}
	for _, image := range knownImages() {
		found = append(found, e.examineImage(ctx, image))
	}
	return found
}

// examineImage tells whether the next start has to pull the image, which is about a gigabyte.
func (e *engine) examineImage(ctx context.Context, image string) cluster.Finding {
	f := cluster.Finding{Name: "node image", State: "ok"}
	if !e.hasImage(ctx, image) {
		f.State, f.Next = "note", action.InTerminal(e.command+" pull "+image)
		f.Found = text.Text{
			EN: image + " is not here; a start that needs it pulls it, about 1 GB",
			JA: image + " はまだありません。必要になったときに取得します (約 1 GB)",
		}
		return f
	}
	version, err := e.imageVersion(ctx, image)
	if err != nil {
		return cluster.FindingOf(f.Name, err)
	}
	f.Found = text.Text{EN: image + " is here and holds Kubernetes " + version, JA: image + " があります。Kubernetes " + version + " です"}
	return f
}
