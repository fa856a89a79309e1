package embedded

import (
	"strings"

	"github.com/k8slab/k8slab/engine/cluster/release"
)

// runtimeConfigArguments switches the group versions on that the release still serves. One that it has lost altogether
// may keep the API server from starting: MergeAPIResourceConfigs in
// k8s.io/apiserver/pkg/server/resourceconfig/helpers.go refuses what is not registered.
func runtimeConfigArguments(all []string, running string) []string {
	var on []string
	for _, gv := range all {
		if release.IsServed(gv, running) {
			on = append(on, gv+"=true")
		}
	}
	if len(on) == 0 {
		return nil
	}
	return []string{"--runtime-config=" + strings.Join(on, ",")}
}
