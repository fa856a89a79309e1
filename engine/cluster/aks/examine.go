package aks

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/managed"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Examine implements cluster.Examiner. It stops at a problem that makes all further questions pointless: without a
// sign-in, nothing else can be asked.
func (p *Provider) Examine(ctx context.Context, place cluster.Place) []cluster.Finding {
	if err := complete(place); err != nil {
		return []cluster.Finding{cluster.FindingOf("place", err)}
	}
	login, err := p.examineLogin(ctx)
	findings := []cluster.Finding{login}
	if err != nil {
		return findings
	}
	if place, err = p.api.locate(ctx, place); err != nil {
		return append(findings, cluster.FindingOf("subscription", err))
	}
	findings = append(findings, ok("subscription", place.Subscription, place.Subscription))
	facts, err := p.api.facts(ctx, place)
	if err != nil {
		return append(findings, cluster.FindingOf("cluster", err))
	}
	findings = append(findings, examineCluster(facts, place))
	if facts.MayRead(managed.Available) {
		findings = append(findings, examineRegion(facts))
	}
	findings = append(findings, examineAccounts(facts), p.examineQuota(ctx, facts, place))
	if len(facts.Unread) > 0 {
		findings = append(findings, examineRights(facts, place))
	}
	return append(findings, p.examineRole(ctx, place)...)
}

// examineRights names the facts that the person may not read. A lab can be played without them.
func examineRights(c *managed.Cluster, place cluster.Place) cluster.Finding {
	unread := c.UnreadText()
	return note("rights", fmt.Sprintf("your role does not let you read %s; k8slab cluster status leaves that out", unread.EN),
		fmt.Sprintf("ロールに権限がないため読めないもの: %s。k8slab cluster status では省きます", unread.JA), roles(place))
}

func ok(name, en, ja string) cluster.Finding {
	return cluster.Finding{Name: name, State: "ok", Found: text.Text{EN: en, JA: ja}}
}

func note(name, en, ja string, next action.Action) cluster.Finding {
	return cluster.Finding{Name: name, State: "note", Found: text.Text{EN: en, JA: ja}, Next: next}
}

func (p *Provider) examineLogin(ctx context.Context) (cluster.Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	cred, err := p.api.credential()
	if err == nil {
		_, err = cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{managementScope}})
	}
	if err != nil {
		return cluster.FindingOf("login", problemOf(err, cluster.Place{})), err
	}
	return ok("login", "signed in to Azure", "Azure にサインインしています"), nil
}

func examineCluster(c *managed.Cluster, place cluster.Place) cluster.Finding {
	switch {
	case c.PowerState == "Stopped":
		return cluster.FindingOf("cluster", stopped(place))
	case c.Provisioning != "Succeeded":
		return note("cluster", fmt.Sprintf("%s: Azure says that it is %s", nameOf(place), c.Provisioning), fmt.Sprintf("%s: Azure での状態は %s です", nameOf(place), c.Provisioning),
			show(place))
	}
	if !c.MayRead(managed.Pools) {
		return ok("cluster", fmt.Sprintf("%s runs Kubernetes %s", nameOf(place), c.Version), fmt.Sprintf("%s は Kubernetes %s で動いています", nameOf(place), c.Version))
	}
	return ok("cluster", fmt.Sprintf("%s runs Kubernetes %s on %d pools", nameOf(place), c.Version, len(c.Pools)),
		fmt.Sprintf("%s は Kubernetes %s で動いています (ノードプール %d 個)", nameOf(place), c.Version, len(c.Pools)))
}

func examineRegion(c *managed.Cluster) cluster.Finding {
	if c.Offered() {
		return ok("region", fmt.Sprintf("%s offers Kubernetes %s", c.Region, c.Version), fmt.Sprintf("%s では Kubernetes %s が提供されています", c.Region, c.Version))
	}
	return note("region", fmt.Sprintf("%s does not offer Kubernetes %s any more: it is out of support", c.Region, c.Version),
		fmt.Sprintf("%s では Kubernetes %s の提供が終わっており、サポート対象外です", c.Region, c.Version), action.InTerminal("az aks get-versions --location "+c.Region+" --output table"))
}

func examineAccounts(c *managed.Cluster) cluster.Finding {
	switch {
	case c.EntraID && !c.LocalAccounts:
		return ok("accounts", "people sign in with Entra ID; local accounts are off", "Entra ID でサインインします。ローカルアカウントは無効です")
	case c.EntraID:
		return ok("accounts", "people sign in with Entra ID; local accounts are on, and used only with --admin", "Entra ID でサインインします。ローカルアカウントも有効ですが、使うのは --admin を付けたときだけです")
	}
	return note("accounts", "everybody who may fetch credentials gets the same local account with all rights; Entra ID would tell people apart",
		"認証情報を取得できる人は全員、全権限を持つ同じローカルアカウントを使うことになります。Entra ID なら人を区別できます", action.Action{})
}

// examineRole fetches the credentials, which shows the right to do so, and looks through them for anything that would
// keep them from working.
func (p *Provider) examineRole(ctx context.Context, place cluster.Place) []cluster.Finding {
	host, err := p.Provider.Look(ctx, "", place)
	if err != nil {
		return []cluster.Finding{cluster.FindingOf("role", err)}
	}
	findings := []cluster.Finding{ok("role", fmt.Sprintf("your credentials work: the API server knows you as %s", host.User),
		fmt.Sprintf("認証情報は有効です。API サーバーでのユーザー名は %s です", host.User))}
	for _, sign := range host.Production {
		findings = append(findings, note("production", "looks like a cluster that people depend on: "+sign.EN, "人が使っているクラスターのようです: "+sign.JA, action.Action{}))
	}
	return findings
}

// usage is one line of a region's quota, of the Compute resource provider.
type usage struct {
	CurrentValue int `json:"currentValue"`
	Limit        int `json:"limit"`
	Name         struct {
		Value string `json:"value"`
	} `json:"name"`
}

// coresOf finds the number of cores in the name of a machine size: Standard_D4s_v5.
var coresOf = regexp.MustCompile(`^Standard_[A-Z]+(\d+)`)

// examineQuota compares the cores that are left of the region's quota with the nodes that an upgrade adds.
func (p *Provider) examineQuota(ctx context.Context, c *managed.Cluster, place cluster.Place) cluster.Finding {
	var list struct {
		Value []usage `json:"value"`
	}
	err := p.api.get(ctx, "/subscriptions/"+place.Subscription+"/providers/Microsoft.Compute/locations/"+c.Region+"/usages", usagesVersion, &list)
	if err != nil {
		return note("quota", "the quota of the region cannot be read: "+problemOf(err, place).Error(), "リージョンのクォータを読めません: "+textJA(problemOf(err, place)), action.Action{})
	}
	needed := 0
	for _, pool := range c.Pools {
		if match := coresOf.FindStringSubmatch(pool.VMSize); match != nil {
			n, _ := strconv.Atoi(match[1]) // the expression matches digits only
			needed = max(needed, n)
		}
	}
	for _, u := range list.Value {
		if u.Name.Value != "cores" {
			continue
		}
		free := u.Limit - u.CurrentValue
		if free < needed {
			return note("quota", fmt.Sprintf("%d of %d cores are left in %s; a node that an upgrade adds takes %d", free, u.Limit, c.Region, needed),
				fmt.Sprintf("%[3]s で使えるコアは %[2]d のうち残り %[1]d です。アップグレードで追加されるノードには %[4]d 必要です", free, u.Limit, c.Region, needed),
				action.InTerminal("az vm list-usage --location "+c.Region+inSubscription(place)+" --output table"))
		}
		return ok("quota", fmt.Sprintf("%d of %d cores are left in %s", free, u.Limit, c.Region), fmt.Sprintf("%[3]s で使えるコアは %[2]d のうち残り %[1]d です", free, u.Limit, c.Region))
	}
	return note("quota", "the region's answer does not mention cores", "リージョンの応答にコア数がありません", action.InTerminal("az vm list-usage --location "+c.Region+inSubscription(place)+" --output table"))
}

func textJA(err error) string {
	if p, isProblem := errors.AsType[*problem.Problem](err); isProblem {
		return p.What.JA
	}
	return err.Error()
}
