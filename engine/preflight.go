package engine

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/engine/cluster/release"
	"github.com/k8slab/k8slab/engine/history"
	"github.com/k8slab/k8slab/text"
)

const (
	// deprecatedWindow is how long the last use of a deprecated API stands in the way of an upgrade.
	deprecatedWindow = time.Minute
	// mostSkew is how many minor releases a kubelet may be older than its API server, since kubelet 1.25 (the version
	// skew policy).
	mostSkew = 3
)

// ObstacleKind is what stands in the way of an upgrade.
type ObstacleKind string

const (
	// Skew: a kubelet would be too old for the API server, or is newer than the API server would be.
	Skew ObstacleKind = "skew"
	// DeprecatedAPI: somebody uses an API that the new release does not serve any more.
	DeprecatedAPI ObstacleKind = "deprecated-api"
)

// Obstacle stands in the way of an upgrade.
type Obstacle struct {
	Kind ObstacleKind `json:"kind"`
	// Node whose kubelet it is, with Skew.
	Node string `json:"node,omitempty"`
	// With DeprecatedAPI, User and UserAgent are the caller's. API is a group/version, Objects are written
	// resource/name or resource/namespace/name, and Last is when the caller called last.
	User      string    `json:"user,omitempty"`
	UserAgent string    `json:"userAgent,omitempty"`
	API       string    `json:"api,omitempty"`
	Objects   []string  `json:"objects,omitempty"`
	Last      time.Time `json:"last,omitzero"`
	// What says all of that in one sentence.
	What text.Text `json:"what"`
}

// skewObstacles lists the nodes whose kubelets an API server of the release would not support.
func skewObstacles(nodes []corev1.Node, to string) []Obstacle {
	var found []Obstacle
	api := release.Minor(to)
	for i := range nodes {
		name, version := nodes[i].Name, nodes[i].Status.NodeInfo.KubeletVersion
		kubelet := release.Minor(release.Of(version))
		switch {
		case kubelet < 0:
		case kubelet > api:
			found = append(found, Obstacle{Kind: Skew, Node: name, What: text.New("%s has kubelet %s, newer than an API server of %s", "%s の kubelet %s は、API サーバー %s より新しくなります", name, version, to)})
		case api-kubelet > mostSkew:
			found = append(found, Obstacle{Kind: Skew, Node: name, What: text.New("%s has kubelet %s, %d minor releases older than an API server of %s; %d are supported", "%[1]s の kubelet %[2]s は、API サーバー %[4]s より %[3]d マイナーバージョン古くなります。サポートされるのは %[5]d までです", name, version, api-kubelet, to, mostSkew)})
		}
	}
	return found
}

// caller is a client together with the API that it uses.
type caller struct{ user, agent, api string }

// deprecatedObstacles lists the callers of APIs that the release does not serve any more. Requests of k8slab itself do
// not count.
func deprecatedObstacles(requests []history.Request, to string, now time.Time) []Obstacle {
	objects := map[caller]map[string]bool{}
	last := map[caller]time.Time{}
	for _, r := range requests {
		if !r.Deprecated || strings.HasPrefix(r.User, "k8slab:") {
			continue
		}
		removed := release.Minor(r.RemovedRelease)
		if removed < 0 || removed > release.Minor(to) {
			continue
		}
		c := caller{user: r.User, agent: r.UserAgent, api: apiOf(r)}
		if r.ImpersonatedUser != "" {
			c.user = r.ImpersonatedUser
		}
		if objects[c] == nil {
			objects[c] = map[string]bool{}
		}
		objects[c][objectOf(r)] = true
		if r.Time.After(last[c]) {
			last[c] = r.Time
		}
	}
	var found []Obstacle
	for _, c := range slices.SortedFunc(maps.Keys(objects), func(a, b caller) int {
		return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.agent, b.agent), cmp.Compare(a.api, b.api))
	}) {
		names := slices.Sorted(maps.Keys(objects[c]))
		ago := max(0, int(now.Sub(last[c]).Seconds()))
		found = append(found, Obstacle{
			Kind: DeprecatedAPI, User: c.user, UserAgent: c.agent, API: c.api, Objects: names, Last: last[c], What: text.New("%s (%s) wrote %s as %s %d s ago, which %s does not serve any more", "%[1]s (%[2]s) が %[5]d 秒前に %[3]s を %[4]s で書き込みました。%[6]s ではもう提供されない API です", c.user, c.agent, text.List(names), c.api, ago, to),
		})
	}
	return found
}

func apiOf(r history.Request) string {
	if r.Group == "" {
		return r.Version
	}
	return r.Group + "/" + r.Version
}

func objectOf(r history.Request) string {
	if r.Namespace == "" {
		return r.Resource + "/" + r.Name
	}
	return r.Resource + "/" + r.Namespace + "/" + r.Name
}
