package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/history"
)

const (
	// deprecatedWindow is how long the last use of a deprecated API stands in the way of an upgrade.
	deprecatedWindow = time.Minute
	// mostSkew is how many minor releases a kubelet may be older than its API server, since kubelet 1.25 (the version skew policy).
	mostSkew = 3
)

// FindingKind is what stands in the way of an upgrade.
type FindingKind string

const (
	// Skew: a kubelet would be too old for the API server, or is newer than it already.
	Skew FindingKind = "skew"
	// DeprecatedAPI: somebody uses an API that the new release does not serve any more.
	DeprecatedAPI FindingKind = "deprecated-api"
)

// Finding stands in the way of an upgrade.
type Finding struct {
	Kind FindingKind `json:"kind"`
	// Node, with Skew.
	Node string `json:"node,omitempty"`
	// User and UserAgent of the caller, API as group/version, and Objects as resource/name, or resource/namespace/name, with
	// DeprecatedAPI. Last is when it called last.
	User      string    `json:"user,omitempty"`
	UserAgent string    `json:"userAgent,omitempty"`
	API       string    `json:"api,omitempty"`
	Objects   []string  `json:"objects,omitempty"`
	Last      time.Time `json:"last,omitzero"`
	// What says all of it in one sentence.
	What content.Text `json:"what"`
}

// skewFindings are the nodes whose kubelet an API server of the release would not support.
func skewFindings(nodes []corev1.Node, release string) []Finding {
	var found []Finding
	api := minorOf(release)
	for i := range nodes {
		name, version := nodes[i].Name, nodes[i].Status.NodeInfo.KubeletVersion
		kubelet := minorOf(releaseOf(version))
		switch {
		case kubelet < 0:
		case kubelet > api:
			found = append(found, Finding{Kind: Skew, Node: name, What: content.Text{
				EN: fmt.Sprintf("%s has kubelet %s, newer than an API server of %s", name, version, release),
				JA: fmt.Sprintf("%s の kubelet %s は、API サーバー %s より新しくなります", name, version, release),
			}})
		case api-kubelet > mostSkew:
			found = append(found, Finding{Kind: Skew, Node: name, What: content.Text{
				EN: fmt.Sprintf("%s has kubelet %s, %d minor releases older than an API server of %s; %d are supported", name, version, api-kubelet, release, mostSkew),
				JA: fmt.Sprintf("%s の kubelet %s は、API サーバー %s より %d マイナーバージョン古くなります。サポートされるのは %d までです", name, version, release, api-kubelet, mostSkew),
			}})
		}
	}
	return found
}

// caller is who uses which API.
type caller struct{ user, agent, api string }

// deprecatedFindings are the callers of APIs that the release does not serve any more. What k8slab itself does is left out.
func deprecatedFindings(requests []history.Request, release string, now time.Time) []Finding {
	objects := map[caller]map[string]bool{}
	last := map[caller]time.Time{}
	for _, r := range requests {
		if !r.Deprecated || strings.HasPrefix(r.User, "k8slab:") {
			continue
		}
		removed := minorOf(r.RemovedRelease)
		if removed < 0 || removed > minorOf(release) {
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
	var found []Finding
	for _, c := range slices.SortedFunc(maps.Keys(objects), func(a, b caller) int {
		return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.agent, b.agent), cmp.Compare(a.api, b.api))
	}) {
		names := slices.Sorted(maps.Keys(objects[c]))
		ago := max(0, int(now.Sub(last[c]).Seconds()))
		found = append(found, Finding{
			Kind: DeprecatedAPI, User: c.user, UserAgent: c.agent, API: c.api, Objects: names, Last: last[c], What: content.Text{
				EN: fmt.Sprintf("%s (%s) wrote %s as %s %d s ago, which %s does not serve any more", c.user, c.agent, strings.Join(names, ", "), c.api, ago, release),
				JA: fmt.Sprintf("%s (%s) が %d 秒前に %s を %s で書き込みました。%s ではもう提供されない API です", c.user, c.agent, ago, strings.Join(names, "、"), c.api, release),
			},
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
