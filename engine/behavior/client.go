package behavior

import (
	"errors"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	apivalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ClientKind marks the documents that declare a client.
const ClientKind = "SimulatedClient"

// Bounds of what a lab may declare, so that no lab keeps the API server busy.
const (
	maxClients  = 8
	leastPeriod = time.Second
	mostPeriod  = time.Hour
)

// Client is a program that really calls the API while its pod is Ready, in rounds. One that applies the manifests of a
// ConfigMap, as a pipeline does, is declared so:
//
//	apiVersion: k8slab.dev/v1alpha1
//	kind: SimulatedClient
//	metadata: {name: ci-bot}
//	spec:
//	  namespace: ci
//	  serviceAccount: ci-bot
//	  selector: {matchLabels: {app: ci-bot}}
//	  every: 10s
//	  apply: {configMap: ci-bot-manifests}
//
// A client authenticates with a token of the ServiceAccount, so that it may do what the cluster's RBAC allows, and the
// audit log shows it as any other client. What it did is in the log of its pod.
type Client struct {
	// Name is unique in a cluster; it is the user agent and the field manager.
	Name string     `json:"name"`
	Spec ClientSpec `json:"spec"`
}

// ClientSpec says who calls, how often and what for.
type ClientSpec struct {
	// Namespace of the ServiceAccount, the pods and the ConfigMap.
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	// Selector of the pods that are this client. It calls while one of them is Ready.
	Selector metav1.LabelSelector `json:"selector"`
	// Every is the time from one round to the next, 1s to 1h.
	Every metav1.Duration `json:"every"`
	// Programs is what the client does in a round.
	Programs
}

// DecodeClients reads the clients, strictly; documents of other kinds are left out.
func DecodeClients(parts ...[]byte) ([]Client, error) {
	var all []Client
	var errs []error
	names := map[string]bool{}
	err := eachDocument(parts, func(number int, of documentType, data []byte) {
		if of.APIVersion != APIVersion || of.Kind != ClientKind {
			return
		}
		c, err := decodeClient(data)
		if err == nil && names[c.Name] {
			err = fmt.Errorf("two simulated clients are named %s", c.Name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("document %d: %w", number, err))
			return
		}
		names[c.Name] = true
		all = append(all, c)
	})
	if err != nil {
		return nil, err
	}
	if len(all) > maxClients {
		errs = append(errs, fmt.Errorf("%d simulated clients are too many; a lab may have %d", len(all), maxClients))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

func decodeClient(data []byte) (Client, error) {
	d, err := decodeDocument[ClientSpec](data)
	if err != nil {
		return Client{}, err
	}
	c := Client{Name: d.Metadata.Name, Spec: d.Spec}
	return c, c.Validate()
}

// Validate returns an error that names every field that is wrong.
func (c *Client) Validate() error {
	var errs field.ErrorList
	spec := field.NewPath("spec")
	for _, name := range []struct {
		at    *field.Path
		value string
		valid func(string) []string
	}{
		{field.NewPath("metadata", "name"), c.Name, apivalidation.IsDNS1123Label},
		{spec.Child("namespace"), c.Spec.Namespace, apivalidation.IsDNS1123Label},
		{spec.Child("serviceAccount"), c.Spec.ServiceAccount, apivalidation.IsDNS1123Subdomain},
	} {
		for _, problem := range name.valid(name.value) {
			errs = append(errs, field.Invalid(name.at, name.value, problem))
		}
	}
	errs = append(errs, c.Spec.Programs.validate(spec)...)
	if strings.HasPrefix(c.Spec.Namespace, "kube-") {
		errs = append(errs, field.Forbidden(spec.Child("namespace"), "a lab may not speak as one of the cluster's own ServiceAccounts"))
	}
	errs = append(errs, validation.ValidateLabelSelector(&c.Spec.Selector, validation.LabelSelectorValidationOptions{}, spec.Child("selector"))...)
	if len(c.Spec.Selector.MatchLabels)+len(c.Spec.Selector.MatchExpressions) == 0 {
		errs = append(errs, field.Required(spec.Child("selector"), "select the client's pods by matchLabels or matchExpressions"))
	}
	if every := c.Spec.Every.Duration; every < leastPeriod || every > mostPeriod {
		errs = append(errs, field.Invalid(spec.Child("every"), every.String(), fmt.Sprintf("must be between %v and %v", leastPeriod, mostPeriod)))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("simulated client %q: %w", c.Name, errs.ToAggregate())
}
