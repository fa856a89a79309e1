package checkpoint

import (
	"slices"
	"testing"
)

func keys(pairs ...string) map[string][]byte {
	m := map[string][]byte{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = []byte(pairs[i+1])
	}
	return m
}

func TestDifference(t *testing.T) {
	for _, tc := range []struct {
		name        string
		saved, live map[string][]byte
		put, remove []string
	}{
		{
			name:  "what is the same is left alone",
			saved: keys("/registry/pods/a/x", "1"),
			live:  keys("/registry/pods/a/x", "1"),
		},
		{
			name:  "what was changed or deleted is put back, namespaces first and pods last",
			saved: keys("/registry/pods/a/x", "1", "/registry/deployments/a/d", "1", "/registry/namespaces/a", "1", "/registry/minions/n", "1"),
			live:  keys("/registry/minions/n", "2"),
			put:   []string{"/registry/namespaces/a", "/registry/deployments/a/d", "/registry/minions/n", "/registry/pods/a/x"},
		},
		{
			name:   "what was added is removed, pods first and namespaces last",
			saved:  keys(),
			live:   keys("/registry/namespaces/a", "1", "/registry/deployments/a/d", "1", "/registry/pods/a/x", "1"),
			remove: []string{"/registry/pods/a/x", "/registry/deployments/a/d", "/registry/namespaces/a"},
		},
		{
			name:   "events that came later go, and none come back",
			saved:  keys("/registry/events/a/old", "1", "/registry/events/a/expired", "1"),
			live:   keys("/registry/events/a/old", "2", "/registry/events/a/new", "1"),
			remove: []string{"/registry/events/a/new"},
		},
		{
			name:  "leases say who is alive now",
			saved: keys(),
			live:  keys("/registry/leases/kube-node-lease/worker-1", "1", "/registry/masterleases/10.240.0.2", "1"),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			put, remove := difference(tc.saved, tc.live)
			if !slices.Equal(put, tc.put) || !slices.Equal(remove, tc.remove) {
				t.Errorf("put %v, remove %v; want %v and %v", put, remove, tc.put, tc.remove)
			}
		})
	}
}
