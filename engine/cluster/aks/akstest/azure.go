// Package akstest is an Azure in memory with one cluster of AKS, for tests: the Azure SDK's own fake servers, with credentials that lead to
// any cluster that the test has. It is never part of the program.
package akstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	aks6 "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6/fake"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/aks"
)

// What the Azure holds.
const (
	Subscription  = "11111111-2222-3333-4444-555555555555"
	ResourceGroup = "labs"
	Name          = "shop"
	Region        = "westeurope"
)

// Place of the cluster, with all of it named.
func Place() cluster.Place {
	return cluster.Place{Subscription: Subscription, ResourceGroup: ResourceGroup, Name: Name}
}

// Answer is how a call ends: 0 is well.
type Answer struct {
	Status int
	// Code is Azure's, such as "AuthorizationFailed".
	Code string
	// RetryAfter in seconds is sent where it is not zero.
	RetryAfter int
}

// Azure is one that a test can set. Its fields may be changed between calls.
type Azure struct {
	// Kubeconfig is the file that ListClusterUserCredentials hands out, AdminKubeconfig that of ListClusterAdminCredentials.
	Kubeconfig, AdminKubeconfig string
	// Kubeconfigs are those of further clusters, by name.
	Kubeconfigs map[string]string
	// Cluster is what Get answers.
	Cluster aks6.ManagedCluster
	// Subscriptions that the account has, by ID.
	Subscriptions []string
	// CoresUsed of CoresLimit in the region.
	CoresUsed, CoresLimit int
	// SignIn is the error with which no token can be had.
	SignIn error

	// Endless are the paths of the requests that no deadline ends.
	Endless []string

	mu      sync.Mutex
	answers map[string][]Answer
	calls   []string
	// asked is how long the last failure asks to wait, in seconds.
	asked int
}

// New returns an Azure whose cluster hands out the kubeconfig.
func New(kubeconfig string) *Azure {
	return &Azure{
		Kubeconfig: kubeconfig, Cluster: running(), Subscriptions: []string{Subscription}, CoresUsed: 12, CoresLimit: 20, answers: map[string][]Answer{},
	}
}

func running() aks6.ManagedCluster {
	return aks6.ManagedCluster{
		Name: to.Ptr(Name), Location: to.Ptr(Region), SKU: &aks6.ManagedClusterSKU{Tier: to.Ptr(aks6.ManagedClusterSKUTierStandard)},
		Properties: &aks6.ManagedClusterProperties{
			ProvisioningState: to.Ptr("Succeeded"), PowerState: &aks6.PowerState{Code: to.Ptr(aks6.CodeRunning)},
			KubernetesVersion: to.Ptr("1.36"), CurrentKubernetesVersion: to.Ptr("1.36.3"), DisableLocalAccounts: to.Ptr(true),
			SupportPlan: to.Ptr(aks6.KubernetesSupportPlanKubernetesOfficial),
			AADProfile:  &aks6.ManagedClusterAADProfile{Managed: to.Ptr(true), EnableAzureRBAC: to.Ptr(true)},
			AutoUpgradeProfile: &aks6.ManagedClusterAutoUpgradeProfile{
				UpgradeChannel: to.Ptr(aks6.UpgradeChannelStable), NodeOSUpgradeChannel: to.Ptr(aks6.NodeOSUpgradeChannelNodeImage),
			},
		},
	}
}

// Fail lets the next calls of that name of the SDK end so, one after the other; then they go well again. The name is that of the SDK's method,
// such as "ListClusterUserCredentials", or "subscriptions" and "usages".
func (a *Azure) Fail(call string, answers ...Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[call] = answers
}

// Calls returns the names of the calls since the last time.
func (a *Azure) Calls() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := a.calls
	a.calls = nil
	return calls
}

func (a *Azure) next(call string) Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, call)
	queue := a.answers[call]
	if len(queue) == 0 {
		return Answer{}
	}
	a.answers[call] = queue[1:]
	return queue[0]
}

// Provider returns a provider of this Azure.
func (a *Azure) Provider(dir string) *aks.Provider {
	return aks.New(dir, aks.Azure{Credential: token{a}, Transport: &transport{a}})
}

// token is the sign-in.
type token struct{ azure *Azure }

// GetToken implements azcore.TokenCredential.
func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if t.azure.SignIn != nil {
		return azcore.AccessToken{}, t.azure.SignIn
	}
	return azcore.AccessToken{Token: "fake", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// transport carries requests to the SDK's fake servers, and answers the two that the SDK has in other modules.
type transport struct{ azure *Azure }

// Do implements policy.Transporter.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	if _, ends := req.Context().Deadline(); !ends {
		t.azure.Endless = append(t.azure.Endless, req.URL.Path)
	}
	switch {
	case req.URL.Path == "/subscriptions":
		var entries []string
		for _, id := range t.azure.Subscriptions {
			entries = append(entries, fmt.Sprintf(`{"subscriptionId": %q, "displayName": "sub-%s", "state": "Enabled"}`, id, id[:4]))
		}
		return t.plain(req, "subscriptions", "["+strings.Join(entries, ",")+"]")
	case strings.HasSuffix(req.URL.Path, "/usages"):
		return t.plain(req, "usages", fmt.Sprintf(`[{"currentValue": %d, "limit": %d, "name": {"value": "cores"}}]`, t.azure.CoresUsed, t.azure.CoresLimit))
	}
	// The fake servers remember a list that has failed as one that has come to its end, so each request gets new ones.
	resp, err := fake.NewServerFactoryTransport(t.azure.servers()).Do(req)
	if failed, ok := errors.AsType[*azcore.ResponseError](err); ok {
		// They give it as an error of the connection, which no policy of the pipeline looks into.
		return t.response(req, Answer{Status: failed.StatusCode, Code: failed.ErrorCode, RetryAfter: t.azure.wait()}), nil
	}
	return resp, err
}

const retryAfter = "Retry-After"

func (t *transport) plain(req *http.Request, call, value string) (*http.Response, error) {
	if answer := t.azure.next(call); answer.Status != 0 {
		return t.response(req, answer), nil
	}
	return response(req, http.StatusOK, `{"value": `+value+`}`), nil
}

// response is a failure as Azure sends it.
func (t *transport) response(req *http.Request, answer Answer) *http.Response {
	resp := response(req, answer.Status, fmt.Sprintf(`{"error": {"code": %q, "message": "as the test says"}}`, answer.Code))
	if answer.RetryAfter > 0 {
		resp.Header.Set(retryAfter, fmt.Sprint(answer.RetryAfter))
	}
	return resp
}

func response(req *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(bytes.NewBufferString(body)),
	}
}

// wait is what the last failed answer asks for.
func (a *Azure) wait() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// outcome sets the answer of a call, or the failure that the test has asked for.
func outcome[T any](a *Azure, call string, answer func() (T, error)) (resp azfake.Responder[T], failed azfake.ErrorResponder) {
	said := a.next(call)
	if said.Status != 0 {
		a.mu.Lock()
		a.asked = said.RetryAfter
		a.mu.Unlock()
		failed.SetResponseError(said.Status, said.Code)
		return resp, failed
	}
	value, err := answer()
	if err != nil {
		failed.SetError(err)
		return resp, failed
	}
	resp.SetResponse(http.StatusOK, value, nil)
	return resp, failed
}

// page is outcome for lists.
func page[T any](a *Azure, call string, value T) (resp azfake.PagerResponder[T]) {
	if said := a.next(call); said.Status != 0 {
		a.mu.Lock()
		a.asked = said.RetryAfter
		a.mu.Unlock()
		resp.AddResponseError(said.Status, said.Code)
		return resp
	}
	resp.AddPage(http.StatusOK, value, nil)
	return resp
}

func kubeconfig(file string) ([]*aks6.CredentialResult, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	return []*aks6.CredentialResult{{Name: to.Ptr("clusterUser"), Value: raw}}, err
}
