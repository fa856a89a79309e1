package embedded

import (
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes/scheme"
)

// runtimeConfigArguments switches the group versions on that the release still serves. One that it has lost altogether may keep the API
// server from starting: MergeAPIResourceConfigs in k8s.io/apiserver/pkg/server/resourceconfig/helpers.go refuses what is not
// registered.
func runtimeConfigArguments(all []string, release string) []string {
	var on []string
	for _, gv := range all {
		if isServed(gv, release) {
			on = append(on, gv+"=true")
		}
	}
	if len(on) == 0 {
		return nil
	}
	return []string{"--runtime-config=" + strings.Join(on, ",")}
}

// isServed reports whether any kind of the group version is served by the release, as the kinds themselves say
// (k8s.io/api, zz_generated.prerelease-lifecycle.go). A group version that client-go does not know counts as served: it is the API
// server's to refuse.
func isServed(groupVersion, release string) bool {
	gv, err := schema.ParseGroupVersion(groupVersion)
	if err != nil {
		return true
	}
	running, err := version.ParseGeneric(release)
	if err != nil {
		return true
	}
	known := false
	for _, kind := range scheme.Scheme.KnownTypes(gv) {
		object, ok := reflect.New(kind).Interface().(runtime.Object)
		if !ok {
			continue
		}
		lives, ok := object.(interface{ APILifecycleRemoved() (major, minor int) })
		if !ok {
			continue
		}
		known = true
		major, minor := lives.APILifecycleRemoved()
		if running.LessThan(version.MajorMinor(uint(major), uint(minor))) {
			return true
		}
	}
	return !known
}
