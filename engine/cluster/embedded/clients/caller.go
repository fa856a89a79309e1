package clients

import (
	"context"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/k8slab/k8slab/engine/behavior"
)

const (
	// lookForPod is how often a client without a Ready pod looks for one.
	lookForPod = 500 * time.Millisecond
	// roundTimeout bounds one round.
	roundTimeout = 30 * time.Second
	tokenSeconds = int64(3600)
	renewToken   = 50 * time.Minute
)

// caller is one client: when it works, as which pod and with which token. What it does is its program's.
type caller struct {
	player  *Player
	client  behavior.Client
	program Program

	// pod is the pod that is played, as it was seen last.
	pod types.UID
	// config has the token, which is replaced at the time renew; number counts the tokens.
	config *rest.Config
	renew  time.Time
	number int
}

// run calls in rounds while a pod of the client is Ready, until ctx ends.
func (c *caller) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait := lookForPod
		round, end := context.WithTimeout(ctx, roundTimeout)
		if c.running(round) {
			c.program.Round(round, c)
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

// running finds the pod to play: the first by name that is Ready. While the API server does not answer, it is the pod
// that was played last.
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

// Own implements Session.
func (c *caller) Own() kubernetes.Interface { return c.player.own }

// Say implements Session.
func (c *caller) Say(line string) { c.player.say(c.pod, line) }

// Refused implements Session.
func (c *caller) Refused() { c.renew = time.Time{} }

// Config implements Session. It gets a token of the ServiceAccount, as the kubelet does for a pod.
func (c *caller) Config(ctx context.Context) (*rest.Config, int, error) {
	if time.Now().Before(c.renew) {
		return c.config, c.number, nil
	}
	spec, seconds := c.client.Spec, tokenSeconds
	request, err := c.player.own.CoreV1().ServiceAccounts(spec.Namespace).CreateToken(ctx, spec.ServiceAccount,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return nil, 0, err
	}
	c.config = rest.AnonymousClientConfig(c.player.config)
	c.config.BearerToken = request.Status.Token
	c.renew = time.Now().Add(renewToken)
	c.number++
	return c.config, c.number, nil
}
