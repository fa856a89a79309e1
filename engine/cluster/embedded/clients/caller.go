package clients

import (
	"context"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/cluster/embedded/behavior"
	"github.com/k8slab/k8slab/engine/cluster/embedded/clients/applier"
)

const (
	// lookForPod is how often a client without a Ready pod looks for one.
	lookForPod = 500 * time.Millisecond
	// roundTimeout bounds one round.
	roundTimeout = 30 * time.Second
	tokenSeconds = int64(3600)
	renewToken   = 50 * time.Minute
)

// caller is one client.
type caller struct {
	player *Player
	client behavior.Client

	// pod is the one that is played, as it was seen last.
	pod types.UID
	// renew is when the applier's token is replaced.
	renew   time.Time
	applier *applier.Applier
}

// run calls in rounds while a pod of the client is Ready, until ctx ends.
func (c *caller) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := lookForPod
		round, end := context.WithTimeout(ctx, roundTimeout)
		if c.running(round) {
			c.round(round)
			wait = c.client.Spec.Every.Duration
		}
		end()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// running finds the pod to be: the first by name that is Ready. While the API server does not answer, it is the last one.
func (c *caller) running(ctx context.Context) bool {
	selector, err := metav1.LabelSelectorAsSelector(&c.client.Spec.Selector)
	if err != nil {
		return false // it was validated
	}
	list, err := c.player.own.CoreV1().Pods(c.client.Spec.Namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return c.pod != ""
	}
	c.pod = ""
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil && isReady(&pod) {
			c.pod = pod.UID
			return true
		}
	}
	return false
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func (c *caller) say(line string) { c.player.say(c.pod, line) }

// round applies everything once.
func (c *caller) round(ctx context.Context) {
	spec := c.client.Spec
	manifests, err := c.player.own.CoreV1().ConfigMaps(spec.Namespace).Get(ctx, spec.Apply.ConfigMap, metav1.GetOptions{})
	if err == nil {
		err = c.authenticate(ctx)
	}
	if err != nil {
		if ctx.Err() == nil { // else it was stopped
			c.say("error: " + err.Error())
		}
		return
	}
	if !c.applier.Apply(ctx, manifests.Data) {
		c.renew = time.Time{}
	}
}

// authenticate gets a token of the ServiceAccount, as the kubelet does for a pod.
func (c *caller) authenticate(ctx context.Context) error {
	if time.Now().Before(c.renew) {
		return nil
	}
	spec, seconds := c.client.Spec, tokenSeconds
	request, err := c.player.own.CoreV1().ServiceAccounts(spec.Namespace).CreateToken(ctx, spec.ServiceAccount,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	config := rest.AnonymousClientConfig(c.player.config)
	config.BearerToken = request.Status.Token
	if c.applier, err = applier.New(config, c.client.Name, spec.Namespace, c.say); err != nil {
		return err
	}
	c.renew = time.Now().Add(renewToken)
	return nil
}
