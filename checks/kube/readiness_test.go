package kube

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/k8slab/k8slab/checks"
)

func TestAPodThatWasMadeAfterTheListIsOnItsWay(t *testing.T) {
	number := func(n int32) *int32 { return &n }
	controlled := func(kind, name string) []metav1.OwnerReference {
		yes := true
		return []metav1.OwnerReference{{Kind: kind, Name: name, Controller: &yes}}
	}
	ready := func(name string) corev1.Pod {
		return corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, OwnerReferences: controlled("ReplicaSet", "web-1")},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
		}
	}
	set := func(wanted, made int32) *appsv1.ReplicaSet {
		return &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", Generation: 1, OwnerReferences: controlled("Deployment", "web")},
			Spec:       appsv1.ReplicaSetSpec{Replicas: number(wanted)},
			Status:     appsv1.ReplicaSetStatus{ObservedGeneration: 1, Replicas: made},
		}
	}
	tests := map[string]struct {
		listed []corev1.Pod
		set    *appsv1.ReplicaSet
		// then is what the ReplicaSet is after its Deployment was looked at; nil means unchanged.
		then *appsv1.ReplicaSet
		// observed is what the Deployment's controller has seen of its two generations.
		observed int64
		want     string
	}{
		"all are there":                             {[]corev1.Pod{ready("a"), ready("b")}, set(2, 2), nil, 2, ""},
		"one is yet to be made":                     {[]corev1.Pod{ready("a"), ready("b")}, set(3, 2), nil, 2, "replicaset/web-1"},
		"one was made after the list":               {[]corev1.Pod{ready("a"), ready("b")}, set(3, 3), nil, 2, "replicaset/web-1"},
		"the Deployment is yet to be seen":          {[]corev1.Pod{ready("a"), ready("b")}, set(2, 2), nil, 1, "deployment/web"},
		"the ReplicaSet was scaled in the meantime": {[]corev1.Pod{ready("a"), ready("b")}, set(2, 2), set(3, 3), 2, "replicaset/web-1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(test.set, &appsv1.Deployment{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: 2},
				Status:     appsv1.DeploymentStatus{ObservedGeneration: test.observed},
			})
			if test.then != nil {
				client.PrependReactor("get", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
					return false, nil, client.Tracker().Update(appsv1.SchemeGroupVersion.WithResource("replicasets"), test.then, "shop")
				})
			}
			got, err := Coming(t.Context(), checks.Env{Client: client}, test.listed)
			if err != nil || (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("what is on its way is %q (%v), want %q", got, err, test.want)
			}
		})
	}
}
