package aks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// problemOf says in one sentence what an error of Azure's means for a person who wants to use the cluster.
func problemOf(err error, place cluster.Place) error {
	if _, ok := errors.AsType[*problem.Problem](err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	if failed, ok := errors.AsType[signInError](err); ok {
		return notSignedIn(failed)
	}
	resp, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return problem.New(problem.Cluster,
			text.New("Azure could not be asked about %s: %s", "%s について Azure に問い合わせられませんでした: %s", nameOf(place), firstLine(err)), action.InTerminal("az account show")).From(err)
	}
	say := func(en, ja string, next action.Action) error {
		return problem.New(problem.Cluster, text.New(en, ja, nameOf(place), resp.ErrorCode), next).From(err)
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		return say("Azure does not accept the sign-in for %s any more (401 %s): it has expired or was revoked",
			"%s に使うサインインが Azure に受け入れられません (401 %s)。期限が切れたか、取り消されています", login())
	case http.StatusForbidden:
		return say("you are signed in, but may not use %s (403 %s). The role Azure Kubernetes Service Cluster User Role is enough",
			"サインインはできていますが、%s を使う権限がありません (403 %s)。Azure Kubernetes Service クラスター ユーザー ロールがあれば使えます",
			roles(place))
	case http.StatusNotFound:
		return notFound(resp.ErrorCode, place, err)
	case http.StatusConflict:
		return say("another operation on %s is under way (409 %s); wait until it has ended",
			"%s では別の操作が進行中です (409 %s)。終わるまでお待ちください", show(place))
	case http.StatusTooManyRequests:
		return busy(resp, place, err)
	}
	return problem.New(problem.Cluster,
		text.New("Azure answered %d %s about %s", "%[3]s について Azure が %[1]d %[2]s を返しました", resp.StatusCode, resp.ErrorCode, nameOf(place)), show(place)).From(err)
}

// namedBy returns the flags that name the cluster to the Azure CLI and to k8slab. The subscription is named, because it
// need not be the Azure CLI's own.
func namedBy(place cluster.Place) string {
	return fmt.Sprintf(" --resource-group %s --name %s%s", place.ResourceGroup, place.Name, inSubscription(place))
}

func inSubscription(place cluster.Place) string {
	if place.Subscription == "" {
		return ""
	}
	return " --subscription " + place.Subscription
}

func login() action.Action { return action.InTerminal("az login") }

func show(place cluster.Place) action.Action {
	return action.InTerminal("az aks show" + namedBy(place) + " --query provisioningState")
}

func examine(place cluster.Place) action.Action {
	next := action.Do(action.Doctor).With("cluster", Name).WithGiven("resource-group", place.ResourceGroup).WithGiven("name", place.Name).
		WithGiven("subscription", place.Subscription)
	if place.Admin {
		return next.With("admin", "")
	}
	return next
}

// getCredentials returns the command that writes the credentials to the file, and shows them nowhere.
func getCredentials(place cluster.Place, file string) string {
	command := "az aks get-credentials" + namedBy(place) + " --file " + file
	if place.Admin {
		command += " --admin"
	}
	return command
}

func roles(place cluster.Place) action.Action {
	return action.InTerminal("az role assignment list --resource-group " + place.ResourceGroup + inSubscription(place) + " --output table")
}

// nameOf returns the name of the cluster for a sentence, or "Azure" if the place names no cluster.
func nameOf(place cluster.Place) string {
	if place.Name == "" {
		return "Azure"
	}
	return place.ResourceGroup + "/" + place.Name
}

func notSignedIn(err error) error {
	said := err.Error()
	// AADSTS700082 and 50173: the refresh token has expired or was revoked; 50078 and 50076: another factor is asked
	// for again.
	for _, code := range []string{"AADSTS700082", "AADSTS50173", "AADSTS50078", "AADSTS50076", "AADSTS70043", "expired"} {
		if strings.Contains(said, code) {
			return problem.New(problem.Cluster,
				text.New("the sign-in to Azure has expired; sign in again", "Azure へのサインインの期限が切れています。サインインし直してください"), login()).From(err)
		}
	}
	return problem.New(problem.Cluster,
		text.New("nobody is signed in to Azure on this machine", "このマシンでは Azure にサインインしていません"), login()).From(err)
}

func notFound(code string, place cluster.Place, err error) error {
	switch code {
	case "SubscriptionNotFound", "InvalidSubscriptionId":
		return problem.New(problem.Usage,
			text.New("there is no subscription %s for the account that is signed in", "サインイン中のアカウントに、サブスクリプション %s はありません", place.Subscription), action.InTerminal("az account list --output table")).From(err)
	case "ResourceGroupNotFound":
		return problem.New(problem.Usage,
			text.New("there is no resource group %s in the subscription %s", "サブスクリプション %[2]s にリソースグループ %[1]s はありません", place.ResourceGroup, place.Subscription),
			action.InTerminal("az group list --subscription "+place.Subscription+" --output table")).From(err)
	}
	return problem.New(problem.Usage,
		text.New("there is no cluster %s in the resource group %s", "リソースグループ %[2]s にクラスター %[1]s はありません", place.Name, place.ResourceGroup),
		action.InTerminal("az aks list"+inSubscription(place)+" --resource-group "+place.ResourceGroup+" --output table")).From(err)
}

func busy(resp *azcore.ResponseError, place cluster.Place, err error) error {
	wait := retryAfter(resp.RawResponse).Round(time.Second)
	when := text.New("in a minute", "1 分ほどしてから")
	if wait > 0 {
		when = text.New("in %d s", "%d 秒後に", int(wait.Seconds()))
	}
	return problem.New(problem.Cluster,
		text.New("Azure has had too many requests about %s (429) and asks to try again %s",
			"%s への要求が多すぎるため、Azure に断られました (429)。%sもう一度試してください", nameOf(place), when), examine(place)).From(err)
}

func stopped(place cluster.Place) error {
	return problem.New(problem.Cluster,
		text.New("%s is stopped: its control plane is switched off", "%s は停止しています。コントロールプレーンが動いていません", nameOf(place)),
		action.InTerminal("az aks start"+namedBy(place)))
}

func between(place cluster.Place, state string) error {
	return problem.New(problem.Cluster,
		text.New("%s cannot be used now: Azure says that it is %s", "%s は今は使えません。Azure での状態は %s です", nameOf(place), state),
		show(place))
}

func noKubeconfig(place cluster.Place, err error) error {
	return problem.New(problem.Cluster,
		text.New("Azure gave no credentials for %s that can be used: %v", "%s に使える認証情報が Azure から得られませんでした: %v", nameOf(place), err),
		action.InTerminal(getCredentials(place, place.Name+".kubeconfig"))).From(err)
}

func whichSubscription(all []subscription) error {
	if len(all) == 0 {
		return problem.New(problem.Usage,
			text.New("the account that is signed in to Azure has no subscription", "Azure にサインイン中のアカウントにはサブスクリプションがありません"), action.InTerminal("az account list --output table"))
	}
	var names text.List
	for _, s := range all {
		names = append(names, s.ID+" ("+s.Name+")")
	}
	return problem.New(problem.Usage,
		text.New("say which subscription is meant, with --subscription: there is %s",
			"どのサブスクリプションを使うか --subscription で指定してください。あるのは %s です", names), action.InTerminal("az account list --output table"))
}

// firstLine returns the first line of an error, which may fill a page.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
