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

// Names of the one cluster, and of its place in this Azure.
const (
	Subscription  = "11111111-2222-3333-4444-555555555555"
	ResourceGroup = "labs"
	Name          = "shop"
	Region        = "westeurope"
)

// Place returns the cluster's place, with all of Azure's names.
func Place() cluster.Place {
	return cluster.Place{Subscription: Subscription, ResourceGroup: ResourceGroup, Name: Name}
}

// Answer is how a call ends. Status 0 means that it succeeds.
type Answer struct {
	Status int
	// Code is Azure's error code, such as "AuthorizationFailed".
	Code string
	// RetryAfter is sent as the header of that name, in seconds; zero sends none.
	RetryAfter int
}

// Azure is an Azure in memory. A test may change its fields between calls.
type Azure struct {
	// Kubeconfig is the file that ListClusterUserCredentials hands out, AdminKubeconfig that of
	// ListClusterAdminCredentials.
	Kubeconfig, AdminKubeconfig string
	// Kubeconfigs are the files that further clusters hand out, by cluster name.
	Kubeconfigs map[string]string
	// Cluster is the answer of Get.
	Cluster aks6.ManagedCluster
	// Subscriptions of the account, by ID.
	Subscriptions []string
	// CoresUsed of CoresLimit cores are in use in the region.
	CoresUsed, CoresLimit int
	// SignIn is the error of every request for a token; nil lets the sign-in succeed.
	SignIn error

	// Endless are the paths of the requests that had no deadline.
	Endless []string

	mu      sync.Mutex
	answers map[string][]Answer
	calls   []string
	// asked is how many seconds the last failure asks to wait.
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

// Fail lets the next calls of that name end with the answers, one after the other; later calls succeed again. The name
// is that of the SDK's method, such as "ListClusterUserCredentials", or "subscriptions" or "usages".
func (a *Azure) Fail(call string, answers ...Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[call] = answers
}

// Calls returns the names of the calls since Calls was last asked.
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

// Provider returns a provider that reaches this Azure.
func (a *Azure) Provider(dir string) *aks.Provider {
	return aks.New(dir, aks.Azure{Credential: token{a}, Transport: &transport{a}})
}

// token is the credential of whoever has signed in.
type token struct{ azure *Azure }

// GetToken implements azcore.TokenCredential.
func (t token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if t.azure.SignIn != nil {
		return azcore.AccessToken{}, t.azure.SignIn
	}
	return azcore.AccessToken{Token: "fake", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// transport carries requests to the SDK's fake servers, and itself answers the two requests that the SDK has in other
// modules.
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
	// The fake servers take a list that has failed for a list that has come to its end, so each request gets new
	// servers.
	resp, err := fake.NewServerFactoryTransport(t.azure.servers()).Do(req)
	if failed, ok := errors.AsType[*azcore.ResponseError](err); ok {
		// The fake servers return a failure as an error of the connection, which no policy of the pipeline looks into.
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

// wait returns how many seconds the last failure asks to wait.
func (a *Azure) wait() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked
}

// outcome answers a call with answer, or with the failure that the test has asked for.
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
