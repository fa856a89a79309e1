package aks

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"

	"github.com/k8slab/k8slab/engine/cluster"
)

const (
	// moduleName and moduleVersion name k8slab's own requests in Azure's telemetry.
	moduleName, moduleVersion = "k8slab/aks", "v0.1.0"
	// managementScope is the scope of tokens for Azure Resource Manager.
	managementScope = "https://management.azure.com/.default"
	// subscriptionVariable is the variable that Azure's own tools read.
	subscriptionVariable = "AZURE_SUBSCRIPTION_ID"

	subscriptionsVersion = "2022-12-01"
	usagesVersion        = "2024-07-01"

	// longestWait is how long k8slab waits once for a busy Azure. A longer wait is for the person to decide.
	longestWait = 3 * time.Second
	callTimeout = 30 * time.Second
)

// Azure says how Azure is reached. The zero value is the real Azure, with whoever has signed in on this machine.
type Azure struct {
	// Credential signs in. Nil means azidentity.DefaultAzureCredential: variables, a workload's or machine's identity,
	// or the Azure CLI's sign-in.
	Credential azcore.TokenCredential
	// Transport carries the requests. Nil means HTTP.
	Transport policy.Transporter
}

// api makes the SDK's clients when they are first needed, so that no other command of k8slab waits for them.
type api struct {
	azure Azure

	once sync.Once
	cred azcore.TokenCredential
	err  error
}

// signInError is a failure to get a token, as opposed to a request that was refused.
type signInError struct{ error }

func (e signInError) Unwrap() error { return e.error }

// signIn turns the errors of a credential into signInErrors.
type signIn struct{ azcore.TokenCredential }

// GetToken implements azcore.TokenCredential.
func (s signIn) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := s.TokenCredential.GetToken(ctx, opts)
	if err != nil && ctx.Err() == nil {
		err = signInError{err}
	}
	return token, err
}

func (a *api) credential() (azcore.TokenCredential, error) {
	a.once.Do(func() {
		inner := a.azure.Credential
		if inner == nil {
			inner, a.err = azidentity.NewDefaultAzureCredential(nil)
		}
		a.cred = signIn{inner}
	})
	if a.err != nil {
		return nil, signInError{a.err}
	}
	return a.cred, nil
}

func (a *api) options() *arm.ClientOptions {
	return &arm.ClientOptions{
		ClientOptions: policy.ClientOptions{
			Transport: a.azure.Transport,
			Telemetry: policy.TelemetryOptions{ApplicationID: "k8slab"},
			Retry:     policy.RetryOptions{MaxRetries: 2, RetryDelay: 200 * time.Millisecond, ShouldRetry: worthRetrying},
		},
		DisableRPRegistration: true, // registering would change the subscription
	}
}

// worthRetrying reports whether the same request may succeed in a moment.
func worthRetrying(resp *http.Response, err error) bool {
	if err != nil {
		return false
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return retryAfter(resp) <= longestWait
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retryAfter returns how long the server asks to wait (RFC 9110, 10.2.3); zero if the server does not say.
func retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// clients returns the SDK's clients for a subscription.
func (a *api) clients(subscription string) (*armcontainerservice.ClientFactory, error) {
	cred, err := a.credential()
	if err != nil {
		return nil, err
	}
	return armcontainerservice.NewClientFactory(subscription, cred, a.options())
}

// get asks Azure Resource Manager for resources that the SDK has in modules of many megabytes.
func (a *api) get(ctx context.Context, path, version string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	cred, err := a.credential()
	if err != nil {
		return err
	}
	client, err := arm.NewClient(moduleName, moduleVersion, cred, a.options())
	if err != nil {
		return err
	}
	req, err := runtime.NewRequest(ctx, http.MethodGet, runtime.JoinPaths(client.Endpoint(), path))
	if err != nil {
		return err
	}
	query := req.Raw().URL.Query()
	query.Set("api-version", version)
	req.Raw().URL.RawQuery = query.Encode()
	resp, err := client.Pipeline().Do(req)
	if err != nil {
		return err
	}
	if !runtime.HasStatusCode(resp, http.StatusOK) {
		return runtime.NewResponseError(resp)
	}
	return runtime.UnmarshalAsJSON(resp, into)
}

// subscription of a person.
type subscription struct {
	ID    string `json:"subscriptionId"`
	Name  string `json:"displayName"`
	State string `json:"state"`
}

// locate fills in the subscription of a place that names none.
func (a *api) locate(ctx context.Context, place cluster.Place) (cluster.Place, error) {
	if place.Subscription == "" {
		place.Subscription = os.Getenv(subscriptionVariable)
	}
	if place.Subscription != "" {
		return place, nil
	}
	var list struct {
		Value []subscription `json:"value"`
	}
	if err := a.get(ctx, "/subscriptions", subscriptionsVersion, &list); err != nil {
		return place, problemOf(err, place)
	}
	if len(list.Value) != 1 {
		return place, whichSubscription(list.Value)
	}
	place.Subscription = list.Value[0].ID
	return place, nil
}
