package checks

import (
	"path"
	"runtime"
	"strings"
)

// definingPackage returns the import path of the package that is defining a check: the one of the first function on the
// stack that is not a part of Define.
func definingPackage() string {
	callers := make([]uintptr, 8)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)]) // after runtime.Callers and definingPackage
	for {
		frame, more := frames.Next()
		dir, function := path.Split(frame.Function) // "github.com/k8slab/k8slab/checks/", "node.cordoned"
		name, function, _ := strings.Cut(function, ".")
		if !strings.HasPrefix(strings.ToLower(function), "define") || !more {
			return dir + name
		}
	}
}
