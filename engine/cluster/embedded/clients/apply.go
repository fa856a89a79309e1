package clients

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/k8slab/k8slab/engine/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/clients/applier"
)

// application applies the manifests of a ConfigMap in each round.
type application struct {
	client behavior.Client
	// applier was made of the configuration with this number.
	applier *applier.Applier
	number  int
}

func newApplication(client behavior.Client) Program {
	if client.Spec.Apply == nil {
		return nil
	}
	return &application{client: client}
}

// Round applies everything once.
func (a *application) Round(ctx context.Context, s Session) {
	namespace := a.client.Spec.Namespace
	manifests, err := s.Own().CoreV1().ConfigMaps(namespace).Get(ctx, a.client.Spec.Apply.ConfigMap, metav1.GetOptions{})
	if err == nil {
		err = a.authenticate(ctx, s)
	}
	if err != nil {
		if ctx.Err() == nil {
			s.Say("error: " + err.Error())
		}
		return
	}
	if !a.applier.Apply(ctx, manifests.Data) {
		s.Refused()
	}
}

// authenticate makes another applier when there is another token.
func (a *application) authenticate(ctx context.Context, s Session) error {
	config, number, err := s.Config(ctx)
	if err != nil || a.applier != nil && number == a.number {
		return err
	}
	made, err := applier.New(config, a.client.Name, a.client.Spec.Namespace, s.Say)
	if err != nil {
		return err
	}
	a.applier, a.number = made, number
	return nil
}
