package clients

import (
	"context"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/behavior"
)

// Program is what a client does, for as long as it is declared.
type Program interface {
	// Round works once. What it has to say goes to Session.Say; after ctx has ended, because the client was stopped,
	// nothing.
	Round(ctx context.Context, s Session)
}

// Kind makes the program of a client, and returns nil for a client that declares a program of another kind.
type Kind func(client behavior.Client) Program

// Session is what a program may use in a round.
type Session interface {
	// Own reads the API as the simulator does, with all rights: for what a pod has without asking the API, such as the
	// ConfigMaps that are mounted into it.
	Own() kubernetes.Interface
	// Config reaches the API with a token of the client's ServiceAccount. The number changes with the token: what was
	// made of the configuration can be used for as long as the number is the same.
	Config(ctx context.Context) (config *rest.Config, number int, err error)
	// Refused says that the API server does not accept the token: the next Config has another one.
	Refused()
	// Say writes a line to the log of the client's pod.
	Say(line string)
}
