package aks_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/aks"
	"github.com/k8slab/k8slab/engine/cluster/aks/akstest"
	"github.com/k8slab/k8slab/engine/cluster/clustertest"
	"github.com/k8slab/k8slab/engine/cluster/embedded"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/testcluster"
)

func TestMain(m *testing.M) { testcluster.Main(m) }

// entra is a kubeconfig as AKS hands it out for a cluster with Entra ID, except for the name of the plugin.
const entra = `
apiVersion: v1
kind: Config
clusters: [{name: shop, cluster: {server: "https://shop-dns.hcp.westeurope.azmk8s.example:443"}}]
contexts: [{name: shop, context: {cluster: shop, user: clusterUser_labs_shop}}]
current-context: shop
users:
- name: clusterUser_labs_shop
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: PLUGIN
      args: [get-token, --login, devicecode, --server-id, 6dae42f8-4368-4678-94ff-3960e28e3630]
      interactiveMode: IfAvailable
`

func written(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEveryFailureOfAzureIsOneProblem(t *testing.T) {
	t.Setenv("AZURE_SUBSCRIPTION_ID", "")
	place := akstest.Place()
	anySubscription := place
	anySubscription.Subscription = ""
	admin := place
	admin.Admin = true
	status := func(call string, status int, code string) func(*akstest.Azure) {
		return func(a *akstest.Azure) { a.Fail(call, akstest.Answer{Status: status, Code: code}) }
	}
	tests := []struct {
		name  string
		place cluster.Place
		set   func(*akstest.Azure)
		kind  problem.Kind
		want  string
		next  string
	}{
		{"nobody is signed in", place, func(a *akstest.Azure) { a.SignIn = errors.New("DefaultAzureCredential: failed to acquire a token") },
			problem.Cluster, "nobody is signed in", "az login"},
		{"the sign-in has expired", place, func(a *akstest.Azure) {
			a.SignIn = errors.New("AzureCLICredential: ERROR: AADSTS700082: The refresh token has expired due to inactivity")
		}, problem.Cluster, "has expired", "az login"},
		{"the token is not accepted", place, status("Get", http.StatusUnauthorized, "ExpiredAuthenticationToken"), problem.Cluster, "401 ExpiredAuthenticationToken", "az login"},
		{"the cluster may not be read", place, status("Get", http.StatusForbidden, "AuthorizationFailed"), problem.Cluster, "Cluster User Role", "az role assignment list"},
		{"the credentials may not be fetched", place, status("ListClusterUserCredentials", http.StatusForbidden, "AuthorizationFailed"), problem.Cluster, "labs/shop (403", "az role assignment list"},
		{"there is no such subscription", place, status("Get", http.StatusNotFound, "SubscriptionNotFound"), problem.Usage, "no subscription " + akstest.Subscription, "az account list"},
		{"there is no such group", place, status("Get", http.StatusNotFound, "ResourceGroupNotFound"), problem.Usage, "no resource group labs", "az group list"},
		{"there is no such cluster", place, status("Get", http.StatusNotFound, "ResourceNotFound"), problem.Usage, "no cluster shop in the resource group labs", "az aks list"},
		{"an operation is under way", place, status("ListClusterUserCredentials", http.StatusConflict, "OperationNotAllowed"), problem.Cluster, "another operation on labs/shop", "az aks show"},
		{"Azure is busy for long", place, func(a *akstest.Azure) {
			a.Fail("Get", akstest.Answer{Status: http.StatusTooManyRequests, Code: "TooManyRequests", RetryAfter: 120})
		}, problem.Cluster, "in 120 s", "doctor --cluster aks --resource-group labs --name shop --subscription " + akstest.Subscription},
		{"Azure stays busy", place, func(a *akstest.Azure) {
			soon := akstest.Answer{Status: http.StatusTooManyRequests, Code: "TooManyRequests", RetryAfter: 1}
			a.Fail("Get", soon, soon, soon)
		}, problem.Cluster, "429", "doctor --cluster aks"},
		{"something else is wrong in Azure", place, status("Get", http.StatusBadRequest, "BadRequest"), problem.Cluster, "400 BadRequest", "az aks show"},
		{"the cluster is stopped", place, func(a *akstest.Azure) { a.Cluster.Properties.PowerState.Code = to.Ptr(armcontainerservice.CodeStopped) },
			problem.Cluster, "is stopped", "az aks start --resource-group labs --name shop --subscription " + akstest.Subscription},
		{"the cluster is being deleted", place, func(a *akstest.Azure) { a.Cluster.Properties.ProvisioningState = to.Ptr("Deleting") }, problem.Cluster, "it is Deleting", "az aks show"},
		{"there are no administrator's credentials", admin, func(*akstest.Azure) {}, problem.Usage, "local accounts are switched off", "doctor --cluster aks"},
		{"there are no credentials", place, func(a *akstest.Azure) { a.Kubeconfig = "" }, problem.Cluster, "no credentials for labs/shop", "az aks get-credentials --resource-group labs --name shop --subscription " + akstest.Subscription + " --file shop.kubeconfig"},
		{"the plugin is not installed", place, func(a *akstest.Azure) { a.Kubeconfig = written(t, strings.Replace(entra, "PLUGIN", "kubelogin", 1)) },
			problem.Cluster, "the program kubelogin, which is not installed", "az aks install-cli"},
		{"there are several subscriptions", anySubscription, func(a *akstest.Azure) { a.Subscriptions = []string{akstest.Subscription, "66666666-0000"} }, problem.Usage, "66666666-0000", "az account list"},
		{"there is no subscription", anySubscription, func(a *akstest.Azure) { a.Subscriptions = nil }, problem.Usage, "has no subscription", "az account list"},
		{"the subscriptions may not be listed", anySubscription, status("subscriptions", http.StatusForbidden, "AuthorizationFailed"), problem.Cluster, "403", "az role assignment list"},
		{"half a name", cluster.Place{Name: "shop"}, func(*akstest.Azure) {}, problem.Usage, "--resource-group and --name", "az aks list"},
		{"a flag of another provider", cluster.Place{Context: "shop", Name: "shop", ResourceGroup: "labs"}, func(*akstest.Azure) {}, problem.Usage, "are for --cluster existing", "start --help"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir())
			azure := akstest.New(written(t, strings.Replace(entra, "PLUGIN", "true-kubelogin", 1)))
			tt.set(azure)
			_, err := azure.Provider(t.TempDir()).Look(t.Context(), "lab", tt.place)
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			if p.Kind != tt.kind || !strings.Contains(p.What.EN, tt.want) || !strings.HasPrefix(p.Next.String(), tt.next) || strings.Contains(p.What.EN, "\n") {
				t.Errorf("kind %d: %s\nnext: %s", p.Kind, p.What.EN, p.Next)
			}
			if p.What.JA == "" || p.What.JA == p.What.EN {
				t.Errorf("in Japanese: %q", p.What.JA)
			}
		})
	}
}

func TestABusyAzureIsAskedAgain(t *testing.T) {
	azure := akstest.New(written(t, strings.Replace(entra, "PLUGIN", "no-such-plugin", 1)))
	azure.Fail("Get", akstest.Answer{Status: http.StatusTooManyRequests, Code: "TooManyRequests", RetryAfter: 1}, akstest.Answer{Status: http.StatusServiceUnavailable, Code: "ServerBusy"})
	_, err := azure.Provider(t.TempDir()).Look(t.Context(), "lab", akstest.Place())
	if err == nil || !strings.Contains(err.Error(), "no-such-plugin") {
		t.Errorf("got %v", err)
	}
	if want := []string{"Get", "Get", "Get", "ListClusterUserCredentials"}; !slices.Equal(azure.Calls(), want) {
		t.Errorf("want the calls %v", want)
	}
}

func TestAdministratorsCredentialsAreNeverFetchedUnasked(t *testing.T) {
	azure := akstest.New(written(t, strings.Replace(entra, "PLUGIN", "no-such-plugin", 1)))
	azure.AdminKubeconfig = azure.Kubeconfig
	azure.Cluster.Properties.DisableLocalAccounts = nil
	place := akstest.Place()
	_, _ = azure.Provider(t.TempDir()).Look(t.Context(), "lab", place)
	if calls := azure.Calls(); slices.Contains(calls, "ListClusterAdminCredentials") || !slices.Contains(calls, "ListClusterUserCredentials") {
		t.Errorf("without --admin: %v", calls)
	}
	place.Admin = true
	_, _ = azure.Provider(t.TempDir()).Look(t.Context(), "lab", place)
	if calls := azure.Calls(); !slices.Contains(calls, "ListClusterAdminCredentials") || slices.Contains(calls, "ListClusterUserCredentials") {
		t.Errorf("with --admin: %v", calls)
	}
}

// behind returns an Azure whose cluster is really an embedded cluster of release 1.37.
func behind(t *testing.T) (*akstest.Azure, *embedded.Provider) {
	t.Helper()
	host, err := embedded.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Delete(context.Background(), "behind"); err != nil {
			t.Error(err)
		}
	})
	c, err := host.Ensure(t.Context(), cluster.Spec{Name: "behind", Release: "1.37", Nodes: []cluster.Node{
		{Name: "aks-apps-31415926-vmss000000", Zone: "westeurope-1", Pool: "apps"},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return akstest.New(c.Kubeconfig), host
}

// borrowed plays on embedded clusters as if they were clusters of AKS.
type borrowed struct {
	*aks.Provider
	azure *akstest.Azure
	host  *embedded.Provider
	t     *testing.T
}

// Ensure makes the embedded cluster first, in the place of somebody else.
func (b *borrowed) Ensure(ctx context.Context, spec cluster.Spec, progress cluster.Progress) (*cluster.Cluster, error) {
	b.t.Cleanup(func() {
		if err := b.host.Delete(context.Background(), spec.Name); err != nil {
			b.t.Error(err)
		}
	})
	c, err := b.host.Ensure(ctx, spec, nil)
	if err != nil {
		return nil, err
	}
	b.azure.Kubeconfigs[spec.Name] = c.Kubeconfig
	place := akstest.Place()
	place.Name = spec.Name
	look, err := b.Look(ctx, spec.Name, place)
	if err != nil {
		return nil, err
	}
	if err := b.Settle(ctx, spec.Name, look); err != nil {
		return nil, err
	}
	return b.Provider.Ensure(ctx, spec, progress)
}

func TestConformance(t *testing.T) {
	host, err := embedded.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	azure := akstest.New("")
	azure.Kubeconfigs = map[string]string{}
	clustertest.Run(t, &borrowed{Provider: azure.Provider(t.TempDir()), azure: azure, host: host, t: t}, cluster.Spec{
		Name: "aks", Release: "1.37", Nodes: []cluster.Node{
			{Name: "aks-apps-31415926-vmss000000", Zone: "westeurope-1", Pool: "apps"}, {Name: "aks-apps-31415926-vmss000001", Zone: "westeurope-2", Pool: "apps"},
		},
	})
}

func TestFactsAndPreflightOfAClusterThatAnswers(t *testing.T) {
	t.Setenv("AZURE_SUBSCRIPTION_ID", "")
	azure, _ := behind(t)
	p := azure.Provider(t.TempDir())
	place := akstest.Place()
	place.Subscription = "" // there is only one
	host, err := p.Look(t.Context(), "lab", place)
	if err != nil {
		t.Fatal(err)
	}
	if host.Place.Subscription != akstest.Subscription || len(host.Nodes) != 1 || host.Nodes[0].Zone != "westeurope-1" || len(host.Production) > 0 {
		t.Errorf("looked at %+v", host)
	}
	if want := "az aks get-credentials --resource-group labs --name shop --subscription " + akstest.Subscription + " --file shop.kubeconfig && kubectl --kubeconfig shop.kubeconfig"; host.Kubectl != want {
		t.Errorf("the person's own commands begin with %q, want %q", host.Kubectl, want)
	}
	if err := p.Settle(t.Context(), "lab", host); err != nil {
		t.Fatal(err)
	}

	if len(azure.Endless) > 0 {
		t.Errorf("no deadline ends the requests %v", azure.Endless)
	}

	t.Run("facts", func(t *testing.T) {
		facts, err := p.Managed(t.Context(), "lab")
		if err != nil {
			t.Fatal(err)
		}
		if facts.Version != "1.36.3" || facts.Region != "westeurope" || facts.UpgradeChannel != "stable" || facts.NodeOSChannel != "NodeImage" ||
			facts.LocalAccounts || !facts.EntraID || !facts.CloudRBAC || facts.PowerState != "Running" || facts.Tier != "Standard" || !facts.Offered() {
			t.Errorf("got %+v", facts)
		}
		if want := []managed.Upgrade{{Version: "1.36.4"}, {Version: "1.36.10"}, {Version: "1.37.2", Preview: true}}; !slices.Equal(facts.Upgrades, want) {
			t.Errorf("upgrades %v", facts.Upgrades)
		}
		if len(facts.Available) != 2 || !slices.Equal(facts.Available[0].Patches, []string{"1.36.3", "1.36.4", "1.36.10"}) || !facts.Available[0].Default {
			t.Errorf("available %+v", facts.Available)
		}
		pool, found := facts.Pool("apps")
		if !found || pool.MaxSurge != "33%" || pool.DrainTimeout != 30*time.Minute || pool.Soak != 5*time.Minute || pool.Count != 4 || len(pool.Zones) != 3 || len(pool.Upgrades) != 1 {
			t.Errorf("pool %+v, %v", pool, found)
		}
		w, found := facts.Window("aksManagedAutoUpgradeSchedule")
		if !found || w.Every.Text().EN != "every 2 weeks on Sunday" || w.Duration != 6*time.Hour || w.Start != "02:00" || w.UTCOffset != "+09:00" || len(w.Blocked) != 1 {
			t.Errorf("window %+v, %v", w, found)
		}
		if w, _ := facts.Window("default"); w.Every.Text().JA != "毎週の月曜" || w.Start != "01:00" || w.Duration != 2*time.Hour {
			t.Errorf("window %+v", w)
		}
	})

	t.Run("each call for facts that fails is one problem", func(t *testing.T) {
		for _, call := range []string{"Get", "GetUpgradeProfile", "ListKubernetesVersions", "AgentPools.List", "AgentPools.GetUpgradeProfile", "MaintenanceConfigurations.List"} {
			for code, want := range map[int]string{401: "401", 403: "403", 404: "labs", 409: "409", 429: "in 60 s"} {
				if code == 403 && call != "Get" {
					continue // the next subtest has this case
				}
				azure.Fail(call, akstest.Answer{Status: code, Code: "Code", RetryAfter: 60})
				_, err := p.Managed(t.Context(), "lab")
				found, ok := errors.AsType[*problem.Problem](err)
				if !ok || !strings.Contains(found.What.EN, want) || found.What.JA == "" || found.Next.IsZero() {
					t.Errorf("%s %d: %v", call, code, err)
				}
			}
		}
	})

	t.Run("what may not be read is left out", func(t *testing.T) {
		denied := akstest.Answer{Status: 403, Code: "AuthorizationFailed"}
		of := map[string]managed.Part{
			"GetUpgradeProfile": managed.Upgrades, "ListKubernetesVersions": managed.Available, "AgentPools.List": managed.Pools,
			"AgentPools.GetUpgradeProfile": managed.PoolUpgrades, "MaintenanceConfigurations.List": managed.Windows,
		}
		for call, part := range of {
			azure.Fail(call, denied)
			facts, err := p.Managed(t.Context(), "lab")
			if err != nil {
				t.Errorf("%s: %v", call, err)
				continue
			}
			if !slices.Equal(facts.Unread, []managed.Part{part}) || facts.MayRead(part) || facts.Version != "1.36.3" {
				t.Errorf("%s: got %+v", call, facts)
			}
			if text := facts.UnreadText(); text.EN == string(part) || text.JA == "" || text.JA == text.EN {
				t.Errorf("%s: %+v", part, text)
			}
			for other, there := range map[managed.Part]bool{managed.Upgrades: len(facts.Upgrades) > 0, managed.Available: len(facts.Available) > 0,
				managed.Pools: len(facts.Pools) > 0, managed.Windows: len(facts.Windows) > 0} {
				if there == (other == part) {
					t.Errorf("%s: that %s is there is %v", call, other, there)
				}
			}
		}
		// The role Azure Kubernetes Service Cluster User may Get and ListClusterUserCredentials, and nothing else.
		for call := range of {
			azure.Fail(call, denied)
		}
		azure.Fail("usages", denied)
		found := map[string]string{}
		for _, f := range p.Examine(t.Context(), place) {
			found[f.Name] = f.State
		}
		want := map[string]string{"login": "ok", "subscription": "ok", "cluster": "ok", "accounts": "ok", "quota": "note", "rights": "note", "role": "ok"}
		if !maps.Equal(found, want) {
			t.Errorf("doctor: %v, want %v", found, want)
		}
	})

	t.Run("preflight", func(t *testing.T) {
		states := func(a *akstest.Azure, place cluster.Place) map[string]string {
			all := map[string]string{}
			for _, f := range p.Examine(t.Context(), place) {
				all[f.Name] = f.State
				if f.Found.EN == "" || f.Found.JA == "" || f.State == "problem" && f.Next.IsZero() {
					t.Errorf("finding %+v", f)
				}
			}
			return all
		}
		well := map[string]string{"login": "ok", "subscription": "ok", "cluster": "ok", "region": "ok", "accounts": "ok", "quota": "ok", "role": "ok"}
		expect := func(what string, got map[string]string, name, state string) {
			t.Helper()
			for other, want := range well {
				if other == name {
					want = state
				}
				if got[other] != want {
					t.Errorf("%s: %s is %q, want %q", what, other, got[other], want)
				}
			}
		}
		expect("all is well", states(azure, place), "", "")
		azure.CoresUsed = 19
		expect("no core is left", states(azure, place), "quota", "note")
		azure.CoresUsed = 12
		azure.Fail("usages", akstest.Answer{Status: 403, Code: "AuthorizationFailed"})
		expect("the quota may not be read", states(azure, place), "quota", "note")
		azure.Cluster.Properties.AADProfile = nil
		expect("there is no Entra ID", states(azure, place), "accounts", "note")
		azure.Cluster.Properties.AADProfile = &armcontainerservice.ManagedClusterAADProfile{Managed: to.Ptr(true)}
		azure.Cluster.Properties.CurrentKubernetesVersion = to.Ptr("1.33.1")
		expect("the version is out of support", states(azure, place), "region", "note")
		azure.Cluster.Properties.CurrentKubernetesVersion = to.Ptr("1.36.3")
		azure.Fail("ListClusterUserCredentials", akstest.Answer{Status: 403, Code: "AuthorizationFailed"})
		expect("the role is missing", states(azure, place), "role", "problem")
		azure.Cluster.Properties.PowerState.Code = to.Ptr(armcontainerservice.CodeStopped)
		if got := states(azure, place); got["cluster"] != "problem" {
			t.Errorf("stopped: %v", got)
		}
		azure.SignIn = errors.New("az: not found")
		if got := states(azure, place); got["login"] != "problem" || len(got) != 1 {
			t.Errorf("nobody is signed in: %v", got)
		}
		_, err := p.Leave(t.Context(), "lab")
		if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Next.String() != "az login" || !strings.Contains(p.What.EN, "delete lab --forget") {
			t.Errorf("leave: %v", err)
		}
	})
}

var _ cluster.Examiner = (*aks.Provider)(nil)

// TestClustersWithEntraIDAreReachedThroughThePlugin has a stand-in for kubelogin, which hands out the certificate of a
// real cluster's user and notes how it was called.
func TestClustersWithEntraIDAreReachedThroughThePlugin(t *testing.T) {
	azure, _ := behind(t)
	cfg, err := clientcmd.LoadFromFile(azure.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	user := cfg.AuthInfos["learner"]
	bin := t.TempDir()
	credential, err := json.Marshal(map[string]any{
		"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
		"status": map[string]string{"clientCertificateData": string(user.ClientCertificateData), "clientKeyData": string(user.ClientKeyData)},
	})
	if err != nil {
		t.Fatal(err)
	}
	program := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(bin, "credential"), credential, 0o600); err != nil {
		t.Fatal(err)
	}
	program("kubelogin", `echo "$@" > `+filepath.Join(bin, "called")+"\nexec /bin/cat "+filepath.Join(bin, "credential"))
	t.Setenv("PATH", bin) // without an Azure CLI of this machine
	entraUser, err := clientcmd.Load([]byte(strings.Replace(entra, "PLUGIN", "kubelogin", 1)))
	if err != nil {
		t.Fatal(err)
	}
	cfg.AuthInfos["learner"] = entraUser.AuthInfos["clusterUser_labs_shop"]
	azure.Kubeconfig = filepath.Join(bin, "config")
	if err := clientcmd.WriteToFile(*cfg, azure.Kubeconfig); err != nil {
		t.Fatal(err)
	}

	p := azure.Provider(t.TempDir())
	for _, login := range []string{"devicecode", "azurecli"} {
		if login == "azurecli" {
			program("az", "exit 0")
		}
		host, err := p.Look(t.Context(), "lab", akstest.Place())
		if err != nil {
			t.Fatal(err)
		}
		if host.User != "learner" {
			t.Errorf("the API server takes the person for %q", host.User)
		}
		if called, err := os.ReadFile(filepath.Join(bin, "called")); err != nil || !strings.Contains(string(called), "--login "+login) {
			t.Errorf("kubelogin was called with %q, %v; want %s", called, err, login)
		}
		if err := p.Settle(t.Context(), "lab", host); err != nil {
			t.Fatal(err)
		}
	}
	c, err := p.Ensure(t.Context(), cluster.Spec{Name: "lab"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := clientcmd.LoadFromFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if exec := session.AuthInfos["learner"].Exec; exec == nil || exec.Command != "kubelogin" {
		t.Errorf("the session's kubeconfig has %+v", session.AuthInfos["learner"])
	}
}
