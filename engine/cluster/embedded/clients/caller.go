package clients

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	yamldocuments "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/k8slab/k8slab/engine/cluster/embedded/behavior"
)

const (
	// lookForPod is how often a client without a Ready pod looks for one.
	lookForPod = 500 * time.Millisecond
	// roundTimeout bounds one round.
	roundTimeout = 30 * time.Second
	// mostDocuments is how many documents of a ConfigMap are applied in a round.
	mostDocuments = 32
	tokenSeconds  = int64(3600)
	renewToken    = 50 * time.Minute
)

// caller is one client.
type caller struct {
	player *Player
	client behavior.Client

	// pod is the one that is played, as it was seen last.
	pod types.UID
	// renew is when the token that dynamic and mapper use is replaced.
	renew    time.Time
	dynamic  dynamic.Interface
	mapper   *restmapper.DeferredDiscoveryRESTMapper
	warnings warnings
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

func (c *caller) say(format string, args ...any) { c.player.say(c.pod, fmt.Sprintf(format, args...)) }

// round applies everything once. An error of one document does not keep the others from being applied.
func (c *caller) round(ctx context.Context) {
	spec := c.client.Spec
	manifests, err := c.player.own.CoreV1().ConfigMaps(spec.Namespace).Get(ctx, spec.Apply.ConfigMap, metav1.GetOptions{})
	if err == nil {
		err = c.authenticate(ctx)
	}
	if err != nil {
		c.fail(ctx, err)
		return
	}
	count := 0
	for _, key := range slices.Sorted(maps.Keys(manifests.Data)) {
		objects, err := parse(manifests.Data[key])
		if err != nil {
			c.say("error: %s: %v", key, err)
		}
		for _, o := range objects {
			if count++; count > mostDocuments {
				c.say("error: %s: more than %d documents", key, mostDocuments)
				return
			}
			if err := c.apply(ctx, o); err != nil {
				c.fail(ctx, err)
			}
		}
	}
}

func (c *caller) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return // it was stopped
	}
	c.say("error: %v", err)
	if apierrors.IsUnauthorized(err) {
		c.renew = time.Time{}
	}
}

// authenticate gets a token of the ServiceAccount, as the kubelet does for a pod, and looks anew at which APIs there are.
func (c *caller) authenticate(ctx context.Context) error {
	if time.Now().Before(c.renew) {
		c.mapper.Reset()
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
	config.UserAgent = c.client.Name + "/1.0"
	config.QPS = -1
	config.WarningHandler = &c.warnings
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	apis, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	c.dynamic, c.mapper = client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(apis))
	c.renew = time.Now().Add(renewToken)
	return nil
}

// apply is kubectl apply --server-side --force-conflicts, and says what that says.
func (c *caller) apply(ctx context.Context, o *unstructured.Unstructured) error {
	gvk := o.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return fmt.Errorf("%s %s: %w", strings.ToLower(gvk.Kind), o.GetName(), err)
	}
	var resource dynamic.ResourceInterface = c.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		namespace := o.GetNamespace()
		if namespace == "" {
			namespace = c.client.Spec.Namespace
		}
		resource = c.dynamic.Resource(mapping.Resource).Namespace(namespace)
	}
	data, err := o.MarshalJSON()
	if err != nil {
		return err
	}
	force := true
	_, err = resource.Patch(ctx, o.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{FieldManager: c.client.Name, Force: &force})
	for _, warning := range c.warnings.take() {
		c.say("Warning: %s", warning)
	}
	if err != nil {
		return err
	}
	c.say("%s/%s serverside-applied", mapping.Resource.GroupResource(), o.GetName())
	return nil
}

// parse returns the objects before the first document that is none, and what is wrong with that.
func parse(manifest string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yamldocuments.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(manifest)), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		switch {
		case errors.Is(err, io.EOF):
			return objects, nil
		case err != nil:
			return objects, err
		case len(o.Object) == 0:
			continue
		case o.GetAPIVersion() == "" || o.GetKind() == "" || o.GetName() == "":
			return objects, errors.New("a manifest needs apiVersion, kind and metadata.name")
		}
		objects = append(objects, o)
	}
}

// warnings collects what the API server warns of (RFC 7234, section 5.5).
type warnings struct {
	mu   sync.Mutex
	text []string
}

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(code int, _, text string) {
	if code != 299 || text == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, text)
}

func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := w.text
	w.text = nil
	return text
}
