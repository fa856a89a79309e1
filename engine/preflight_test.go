package engine

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/engine/history"
)

func TestAKubeletMayBeThreeMinorReleasesOlderAndNeverNewer(t *testing.T) {
	for version, stands := range map[string]bool{
		"v1.33.9": true, "v1.34.0": false, "v1.36.3": false, "v1.37.2": false, "v1.38.0": true, "unknown": false,
	} {
		node := corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "worker-1"}, Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: version}}}
		if found := skewObstacles([]corev1.Node{node}, "1.37"); (len(found) == 1) != stands {
			t.Errorf("kubelet %s: %+v", version, found)
		}
	}
}

func TestOnlyCallersOfWhatTheReleaseRemovesStandInTheWay(t *testing.T) {
	now := time.Unix(1000, 0)
	request := func(user, agent, name, removed string, ago time.Duration) history.Request {
		return history.Request{
			Time: now.Add(-ago), User: user, UserAgent: agent, Verb: "patch", Group: "storage.k8s.io", Version: "v1beta1",
			Resource: "volumeattributesclasses", Name: name, Deprecated: removed != "", RemovedRelease: removed,
		}
	}
	impersonated := request("learner", "kubectl", "bronze", "1.37", time.Second)
	impersonated.ImpersonatedUser = "mia"
	found := deprecatedObstacles([]history.Request{
		request("bot", "ci/1.0", "silver", "1.37", 9*time.Second),
		request("bot", "ci/1.0", "gold", "1.37", 5*time.Second),
		request("bot", "ci/1.0", "gold", "1.37", 7*time.Second),
		request("bot", "ci/1.0", "later", "1.38", time.Second),
		request("bot", "ci/1.0", "current", "", time.Second),
		request("k8slab:operator", "k8slab", "seeded", "1.37", time.Second),
		impersonated,
	}, "1.37", now)
	if len(found) != 2 {
		t.Fatalf("%+v", found)
	}
	bot, mia := found[0], found[1]
	if bot.User != "bot" || !slices.Equal(bot.Objects, []string{"volumeattributesclasses/gold", "volumeattributesclasses/silver"}) || !bot.Last.Equal(now.Add(-5*time.Second)) {
		t.Errorf("got %+v", bot)
	}
	if mia.User != "mia" || mia.API != "storage.k8s.io/v1beta1" {
		t.Errorf("got %+v", mia)
	}
}
