package aks

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/cluster/existing"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Name of the provider.
const Name = "aks"

// Provider plays labs on clusters of Azure Kubernetes Service.
type Provider struct {
	*existing.Provider
	api *api
}

var (
	_ cluster.Guest        = (*Provider)(nil)
	_ cluster.Lister       = (*Provider)(nil)
	_ cluster.ManagedFacts = (*Provider)(nil)
	_ cluster.Examiner     = (*Provider)(nil)
)

// New returns the provider, whose choices are kept below dir. Azure is asked nothing until a cluster is looked at.
func New(dir string, azure Azure) *Provider {
	a := &api{azure: azure}
	return &Provider{Provider: existing.NewFrom(Name, dir, credentials{a}), api: a}
}

// complete refuses a place that does not name an AKS cluster.
func complete(place cluster.Place) error {
	if place.Context != "" || place.Kubeconfig != "" {
		return problem.New(problem.Usage,
			text.New("--context and --kubeconfig are for --cluster existing; a cluster of AKS is named by --resource-group and --name", "--context と --kubeconfig は --cluster existing で使います。AKS のクラスターは --resource-group と --name で指定してください"), action.HelpOn(action.Start))
	}
	if place.ResourceGroup == "" || place.Name == "" {
		return problem.New(problem.Usage,
			text.New("a cluster of AKS is named by --resource-group and --name, both of them", "AKS のクラスターは --resource-group と --name の両方で指定してください"), action.InTerminal("az aks list --output table"))
	}
	return nil
}

// credentials is the source of the clusters' kubeconfigs.
type credentials struct{ api *api }

// Local implements existing.Source: every Load asks Azure.
func (credentials) Local() bool { return false }

// Kubectl implements existing.Source. No kubeconfig of the person's has the context, and none is changed: the command
// writes a file of its own.
func (credentials) Kubectl(place cluster.Place) string {
	file := place.Name + ".kubeconfig"
	return getCredentials(place, file) + " && kubectl --kubeconfig " + file
}

// Resolve implements existing.Source: the subscription is found once, and then kept in the place.
func (c credentials) Resolve(ctx context.Context, place cluster.Place) (cluster.Place, error) {
	if err := complete(place); err != nil {
		return place, err
	}
	return c.api.locate(ctx, place)
}

// Load implements existing.Source.
func (c credentials) Load(ctx context.Context, place cluster.Place) (*clientcmdapi.Config, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	clients, err := c.api.clients(place.Subscription)
	if err != nil {
		return nil, problemOf(err, place)
	}
	client := clients.NewManagedClustersClient()
	found, err := client.Get(ctx, place.ResourceGroup, place.Name, nil)
	if err != nil {
		return nil, problemOf(err, place)
	}
	if err := usable(&found.ManagedCluster, place); err != nil {
		return nil, err
	}
	raw, err := fetch(ctx, client, place)
	if err != nil {
		return nil, err
	}
	return parse(raw, place)
}

// usable refuses a cluster whose API server cannot answer, and the administrator's credentials if the cluster has none.
func usable(c *armcontainerservice.ManagedCluster, place cluster.Place) error {
	p := c.Properties
	if p == nil {
		return nil
	}
	if p.PowerState != nil && value(p.PowerState.Code) == armcontainerservice.CodeStopped {
		return stopped(place)
	}
	if state := value(p.ProvisioningState); state == "Deleting" || state == "Creating" || state == "Starting" || state == "Stopping" {
		return between(place, state)
	}
	if place.Admin && value(p.DisableLocalAccounts) {
		own := place
		own.Admin = false
		return problem.New(problem.Usage,
			text.New("%s has no administrator's credentials: its local accounts are switched off. Leave out --admin and use your own", "%s ではローカルアカウントが無効なため、管理者の認証情報はありません。--admin を外し、ご自身の認証情報を使ってください", place.Name),
			examine(own))
	}
	return nil
}

// fetch asks for the person's own credentials, or for the administrator's if the place says so.
func fetch(ctx context.Context, client *armcontainerservice.ManagedClustersClient, place cluster.Place) ([]byte, error) {
	var all []*armcontainerservice.CredentialResult
	if place.Admin {
		resp, err := client.ListClusterAdminCredentials(ctx, place.ResourceGroup, place.Name, nil)
		if err != nil {
			return nil, problemOf(err, place)
		}
		all = resp.Kubeconfigs
	} else {
		resp, err := client.ListClusterUserCredentials(ctx, place.ResourceGroup, place.Name, &armcontainerservice.ManagedClustersClientListClusterUserCredentialsOptions{
			Format: to.Ptr(armcontainerservice.FormatExec),
		})
		if err != nil {
			return nil, problemOf(err, place)
		}
		all = resp.Kubeconfigs
	}
	if len(all) == 0 || all[0] == nil || len(all[0].Value) == 0 {
		return nil, noKubeconfig(place, errors.New("the answer has no kubeconfig"))
	}
	return all[0].Value, nil
}

func parse(raw []byte, place cluster.Place) (*clientcmdapi.Config, error) {
	cfg, err := clientcmd.Load(raw)
	if err != nil {
		return nil, noKubeconfig(place, err)
	}
	one, err := existing.Only(cfg, cfg.CurrentContext, examine(place))
	if err != nil {
		return nil, noKubeconfig(place, err)
	}
	signInWithoutAsking(one)
	return one, nil
}

// signInWithoutAsking lets kubelogin use the Azure CLI's sign-in, if there is one. AKS hands out the sign-in
// "devicecode", for which a person would have to type a code into a browser, again and again while checks are running.
func signInWithoutAsking(cfg *clientcmdapi.Config) {
	if _, err := exec.LookPath("az"); err != nil {
		return
	}
	for _, user := range cfg.AuthInfos {
		if user.Exec == nil || filepath.Base(user.Exec.Command) != "kubelogin" {
			continue
		}
		for i := 1; i < len(user.Exec.Args); i++ {
			if (user.Exec.Args[i-1] == "--login" || user.Exec.Args[i-1] == "-l") && strings.EqualFold(user.Exec.Args[i], "devicecode") {
				user.Exec.Args[i] = "azurecli"
			}
		}
	}
}

// value returns the value behind the pointer, or the zero value for nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
