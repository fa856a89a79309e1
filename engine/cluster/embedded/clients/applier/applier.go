package applier

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/k8slab/k8slab/engine/manifest"
)

// mostDocuments is how many documents are applied at once.
const mostDocuments = 32

// Applier applies manifests as one client.
type Applier struct {
	name      string
	namespace string
	say       func(line string)
	dynamic   dynamic.Interface
	mapper    *restmapper.DeferredDiscoveryRESTMapper
	warnings  *warnings
}

// New returns an applier that authenticates as config says. Its name is the user agent and the field manager; namespace
// is for manifests that name none; say takes a line for each object, each warning and each error.
func New(config *rest.Config, name, namespace string, say func(line string)) (*Applier, error) {
	a := &Applier{name: name, namespace: namespace, say: say, warnings: &warnings{}}
	own := rest.CopyConfig(config)
	own.UserAgent = name + "/1.0"
	own.QPS = -1
	own.WarningHandler = a.warnings
	var err error
	if a.dynamic, err = dynamic.NewForConfig(own); err != nil {
		return nil, err
	}
	apis, err := discovery.NewDiscoveryClientForConfig(own)
	if err != nil {
		return nil, err
	}
	a.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(apis))
	return a, nil
}

// Apply applies every document of the files, in the order of their names, and looks anew at which APIs there are. An
// error of one does not keep the others from being applied. It returns false where the API server does not accept who
// the client says that it is.
func (a *Applier) Apply(ctx context.Context, files map[string]string) (accepted bool) {
	a.mapper.Reset()
	accepted = true
	fail := func(err error) {
		if ctx.Err() == nil { // else it was stopped
			a.say("error: " + err.Error())
			accepted = accepted && !apierrors.IsUnauthorized(err)
		}
	}
	count := 0
	for _, file := range slices.Sorted(maps.Keys(files)) {
		objects, err := manifest.Parse([]byte(files[file]))
		if err != nil {
			fail(fmt.Errorf("%s: %w", file, err))
		}
		for _, o := range objects {
			if count++; count > mostDocuments {
				fail(fmt.Errorf("%s: more than %d documents", file, mostDocuments))
				return accepted
			}
			if err := a.apply(ctx, o); err != nil {
				fail(err)
			}
		}
	}
	return accepted
}

// apply is kubectl apply --server-side --force-conflicts, and says what that says.
func (a *Applier) apply(ctx context.Context, o *unstructured.Unstructured) error {
	gvk := o.GroupVersionKind()
	mapping, err := a.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return fmt.Errorf("%s %s: %w", strings.ToLower(gvk.Kind), o.GetName(), err)
	}
	var resource dynamic.ResourceInterface = a.dynamic.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		namespace := o.GetNamespace()
		if namespace == "" {
			namespace = a.namespace
		}
		resource = a.dynamic.Resource(mapping.Resource).Namespace(namespace)
	}
	data, err := o.MarshalJSON()
	if err != nil {
		return err
	}
	force := true
	_, err = resource.Patch(ctx, o.GetName(), types.ApplyPatchType, data, metav1.PatchOptions{FieldManager: a.name, Force: &force})
	for _, warning := range a.warnings.take() {
		a.say("Warning: " + warning)
	}
	if err != nil {
		return err
	}
	a.say(fmt.Sprintf("%s/%s serverside-applied", mapping.Resource.GroupResource(), o.GetName()))
	return nil
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
