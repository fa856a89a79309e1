package history

import "testing"

func TestPeopleAreToldFromTheCluster(t *testing.T) {
	for user, person := range map[string]bool{
		"learner": true, "alice@example.com": true, "system:serviceaccount:shop:ci-bot": true, "system:admin": true,
		"system:node:worker-1": false, "system:serviceaccount:kube-system:replicaset-controller": false,
		"system:kube-controller-manager": false, "system:kube-scheduler": false, "k8slab:operator": false, "k8slab:simulated-kubelet": false,
	} {
		if IsPerson(user) != person {
			t.Errorf("%s is taken for a person: %v", user, !person)
		}
	}
}
