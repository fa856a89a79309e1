package cluster

import (
	"fmt"
	"slices"
	"testing"
)

// provider implements no optional interface, and decorator hides the optional interfaces of the provider in it. An
// embedded interface must not be named Releases: the embedded field would hide its own method.
type (
	provider  struct{ Provider }
	decorator struct{ Provider }
	lists     = Releases
)

func (d decorator) Unwrap() Provider { return d.Provider }

func TestCapabilitiesFollowFromTheInterfaces(t *testing.T) {
	for name, test := range map[string]struct {
		provider Provider
		want     []Capability
	}{
		"a provider that makes clusters": {provider{}, []Capability{Disposable, Nodes}},
		"somebody else's clusters":       {struct{ Guest }{}, nil},
		"an audit log": {struct {
			provider
			AuditLogFile
		}{}, []Capability{AuditLog, Disposable, Nodes}},
		"behind two decorators": {decorator{decorator{struct {
			provider
			AuditLogFile
			Recorder
			ComponentControl
			NodePower
			Checkpointer
			Simulator
		}{}}}, []Capability{AuditLog, Checkpoints, Components, Disposable, History, Power, Nodes, Simulated}},
		"somebody else's behind a decorator": {decorator{struct {
			Guest
			Recorder
		}{}}, []Capability{History}},
		"an upgrade that nobody remembers": {struct {
			provider
			Upgrader
			NodeUpgrader
			lists
		}{}, []Capability{Disposable, Nodes}},
		"upgrades": {struct {
			provider
			Upgrader
			NodeUpgrader
			UpgradeLog
			lists
		}{}, []Capability{Disposable, Nodes, Upgrades}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := CapabilitiesOf(test.provider); !slices.Equal(got, test.want) {
				t.Errorf("it has %v, want %v", got, test.want)
			}
		})
	}
}

func TestEachCapabilityIsThereOnceAndHasWords(t *testing.T) {
	if got, want := fmt.Sprint(Capabilities), "[audit-log checkpoints components disposable history node-power nodes simulated upgrades]"; got != want {
		t.Errorf("labs may require %s, want %s", got, want)
	}
	for _, c := range Capabilities {
		if words := c.Words(); words.EN == "" || words.JA == "" || words.JA == words.EN {
			t.Errorf("%s has the words %+v", c, words)
		}
	}
}
