package release

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Next returns an error that says why a control plane cannot go from one release to the other; nil if it can.
func Next(from, to string) error {
	have, err := version.ParseGeneric(from)
	if err != nil {
		return err
	}
	want, err := version.ParseGeneric(to)
	if err != nil {
		return fmt.Errorf("%q is no release: %w", to, err)
	}
	if have.Major() != want.Major() || want.Minor() != have.Minor()+1 {
		return fmt.Errorf("from %s a control plane goes to 1.%d and not to %s: one minor release at a time, never down", from, have.Minor()+1, to)
	}
	return nil
}

// MayBecome refuses a kubelet that is newer than the API server (the version skew policy) or older than the kubelet
// that the node has.
func MayBecome(node, from, to, api string) error {
	have, err := version.ParseSemantic(from)
	if err != nil {
		return err
	}
	want, err := version.ParseSemantic(to)
	if err != nil {
		return err
	}
	server, err := version.ParseSemantic(api)
	if err != nil {
		return err
	}
	switch {
	case server.LessThan(want):
		return problem.New(problem.Usage,
			text.New("a kubelet must not be newer than the API server: %s would get %s, the API server is %s", "kubelet は API サーバーより新しくできません。%s を %s にしようとしていますが、API サーバーは %s です", node, to, api),
			action.Do(action.ClusterUpgrade).With("dry-run", ""))
	case want.LessThan(have):
		return problem.New(problem.Usage,
			text.New("%s runs %s already, which is newer than %s; an upgrade never goes down", "%s はすでに %s で、%s より新しくなっています。アップグレードでバージョンを下げることはできません", node, from, to),
			action.Do(action.ListNodes))
	}
	return nil
}

// IsServed reports whether any kind of the group version is served by the release, as the kinds themselves say
// (k8s.io/api, zz_generated.prerelease-lifecycle.go). A group version that client-go does not know counts as served:
// the API server can refuse it.
func IsServed(groupVersion, release string) bool {
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

// Minor is the minor of a release such as "1.37", and -1 for a string that is no release.
func Minor(release string) int {
	rest, ok := strings.CutPrefix(release, "1.")
	if !ok {
		return -1
	}
	minor, err := strconv.Atoi(rest)
	if err != nil || minor < 0 || strconv.Itoa(minor) != rest {
		return -1
	}
	return minor
}

// Of returns the release of a version: "1.37" of "v1.37.2".
func Of(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + "." + parts[1]
}
