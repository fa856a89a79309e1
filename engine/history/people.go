package history

import (
	"slices"
	"strings"
)

// IsPerson tells people from the parts of a cluster and of k8slab. user is the authenticated user: impersonation does
// not change who asked.
func IsPerson(user string) bool {
	for _, prefix := range [...]string{"system:node:", "system:serviceaccount:kube-system:", "k8slab:"} {
		if strings.HasPrefix(user, prefix) {
			return false
		}
	}
	return !slices.Contains([]string{"system:kube-controller-manager", "system:kube-scheduler", "system:apiserver"}, user)
}
