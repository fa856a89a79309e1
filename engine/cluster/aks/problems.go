package aks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
)

const signInCommand = "az login"

// problemOf says in one sentence what an error of Azure's means for whoever wants to use the cluster.
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
			fmt.Sprintf("Azure could not be asked about %s: %s", nameOf(place), firstLine(err)),
			fmt.Sprintf("%s について Azure に問い合わせられませんでした: %s", nameOf(place), firstLine(err)), "az account show").From(err)
	}
	show := showCommand(place)
	say := func(en, ja, next string) error {
		return problem.New(problem.Cluster, fmt.Sprintf(en, nameOf(place), resp.ErrorCode), fmt.Sprintf(ja, nameOf(place), resp.ErrorCode), next).From(err)
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		return say("Azure does not accept the sign-in for %s any more (401 %s): it has expired or was taken back",
			"%s に使うサインインが Azure に受け入れられません (401 %s)。期限が切れたか、取り消されています", signInCommand)
	case http.StatusForbidden:
		return say("you are signed in, but may not use %s (403 %s). The role Azure Kubernetes Service Cluster User Role is enough",
			"サインインはできていますが、%s を使う権限がありません (403 %s)。Azure Kubernetes Service クラスター ユーザー ロールがあれば使えます",
			roleCommand(place))
	case http.StatusNotFound:
		return notFound(resp.ErrorCode, place, err)
	case http.StatusConflict:
		return say("another operation on %s is under way (409 %s); wait until it has ended",
			"%s では別の操作が進行中です (409 %s)。終わるまでお待ちください", show)
	case http.StatusTooManyRequests:
		return busy(resp, place, err)
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("Azure answered %d %s about %s", resp.StatusCode, resp.ErrorCode, nameOf(place)),
		fmt.Sprintf("%[3]s について Azure が %[1]d %[2]s を返しました", resp.StatusCode, resp.ErrorCode, nameOf(place)), show).From(err)
}

// namedBy are the flags that name the cluster to the Azure CLI and to k8slab. The subscription need not be the one that the CLI would take.
func namedBy(place cluster.Place) string {
	return fmt.Sprintf(" --resource-group %s --name %s%s", place.ResourceGroup, place.Name, inSubscription(place))
}

func inSubscription(place cluster.Place) string {
	if place.Subscription == "" {
		return ""
	}
	return " --subscription " + place.Subscription
}

func showCommand(place cluster.Place) string {
	return "az aks show" + namedBy(place) + " --query provisioningState"
}

func doctorCommand(place cluster.Place) string {
	command := "k8slab doctor --cluster aks" + namedBy(place)
	if place.Admin {
		command += " --admin"
	}
	return command
}

// getCredentials is the command that writes the credentials to the file, and shows them nowhere.
func getCredentials(place cluster.Place, file string) string {
	command := "az aks get-credentials" + namedBy(place) + " --file " + file
	if place.Admin {
		command += " --admin"
	}
	return command
}

func roleCommand(place cluster.Place) string {
	return "az role assignment list --resource-group " + place.ResourceGroup + inSubscription(place) + " --output table"
}

// nameOf is how the cluster, or what is known of it, is called in a sentence.
func nameOf(place cluster.Place) string {
	if place.Name == "" {
		return "Azure"
	}
	return place.ResourceGroup + "/" + place.Name
}

func notSignedIn(err error) error {
	text := err.Error()
	// AADSTS700082 and 50173: the refresh token has expired or was revoked; 50078 and 50076: another factor is asked for again.
	for _, code := range []string{"AADSTS700082", "AADSTS50173", "AADSTS50078", "AADSTS50076", "AADSTS70043", "expired"} {
		if strings.Contains(text, code) {
			return problem.New(problem.Cluster,
				"the sign-in to Azure has expired; sign in again", "Azure へのサインインの期限が切れています。サインインし直してください", signInCommand).From(err)
		}
	}
	return problem.New(problem.Cluster,
		"nobody is signed in to Azure on this machine", "このマシンでは Azure にサインインしていません", signInCommand).From(err)
}

func notFound(code string, place cluster.Place, err error) error {
	switch code {
	case "SubscriptionNotFound", "InvalidSubscriptionId":
		return problem.New(problem.Usage,
			fmt.Sprintf("there is no subscription %s for the account that is signed in", place.Subscription),
			fmt.Sprintf("サインイン中のアカウントに、サブスクリプション %s はありません", place.Subscription), "az account list --output table").From(err)
	case "ResourceGroupNotFound":
		return problem.New(problem.Usage,
			fmt.Sprintf("there is no resource group %s in the subscription %s", place.ResourceGroup, place.Subscription),
			fmt.Sprintf("サブスクリプション %[2]s にリソースグループ %[1]s はありません", place.ResourceGroup, place.Subscription),
			"az group list --subscription "+place.Subscription+" --output table").From(err)
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("there is no cluster %s in the resource group %s", place.Name, place.ResourceGroup),
		fmt.Sprintf("リソースグループ %[2]s にクラスター %[1]s はありません", place.Name, place.ResourceGroup),
		"az aks list"+inSubscription(place)+" --resource-group "+place.ResourceGroup+" --output table").From(err)
}

func busy(resp *azcore.ResponseError, place cluster.Place, err error) error {
	wait := retryAfter(resp.RawResponse).Round(time.Second)
	en, ja := "in a minute", "1 分ほどしてから"
	if wait > 0 {
		en, ja = fmt.Sprintf("in %d s", int(wait.Seconds())), fmt.Sprintf("%d 秒後に", int(wait.Seconds()))
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("Azure has had too many requests about %s (429) and asks to try again %s", nameOf(place), en),
		fmt.Sprintf("%s への要求が多すぎるため、Azure に断られました (429)。%sもう一度試してください", nameOf(place), ja), doctorCommand(place)).From(err)
}

func stopped(place cluster.Place) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("%s is stopped: its control plane is switched off", nameOf(place)),
		fmt.Sprintf("%s は停止しています。コントロールプレーンが動いていません", nameOf(place)),
		"az aks start"+namedBy(place))
}

func between(place cluster.Place, state string) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("%s cannot be used now: Azure says that it is %s", nameOf(place), state),
		fmt.Sprintf("%s は今は使えません。Azure での状態は %s です", nameOf(place), state),
		showCommand(place))
}

func noKubeconfig(place cluster.Place, err error) error {
	return problem.New(problem.Cluster,
		fmt.Sprintf("Azure gave no credentials for %s that can be used: %v", nameOf(place), err),
		fmt.Sprintf("%s に使える認証情報が Azure から得られませんでした: %v", nameOf(place), err),
		getCredentials(place, place.Name+".kubeconfig")).From(err)
}

func whichSubscription(all []subscription) error {
	if len(all) == 0 {
		return problem.New(problem.Usage,
			"the account that is signed in to Azure has no subscription", "Azure にサインイン中のアカウントにはサブスクリプションがありません", "az account list --output table")
	}
	var en, ja []string
	for _, s := range all {
		en, ja = append(en, s.ID+" ("+s.Name+")"), append(ja, s.ID+" ("+s.Name+")")
	}
	return problem.New(problem.Usage,
		fmt.Sprintf("say which subscription is meant, with --subscription: there is %s", strings.Join(en, ", ")),
		fmt.Sprintf("どのサブスクリプションを使うか --subscription で指定してください。あるのは %s です", strings.Join(ja, "、")), "az account list --output table")
}

// firstLine of what may be a page.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
