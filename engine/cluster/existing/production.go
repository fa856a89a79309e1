package existing

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/text"
)

const (
	// mostNodes is the largest number of nodes that a cluster for exercises has; labs ask for up to six.
	mostNodes = 10
	// mostExamples is how many names one sentence lists.
	mostExamples = 4
)

// productionWord finds a word by which people mark clusters that others depend on. A word before it may take that back,
// as in "non-prod": takenBack finds such a word.
var productionWord = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(prod|prd|production|live)[0-9]*(?:$|[^a-z0-9])`)

var takenBack = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(non|not|no|pre)[^a-z0-9]?$`)

// soundsLikeProduction reports whether a word of the name marks a production cluster.
func soundsLikeProduction(name string) bool {
	if strings.Contains(name, "本番") {
		return true
	}
	for _, at := range productionWord.FindAllStringSubmatchIndex(name, -1) {
		if !takenBack.MatchString(name[:at[2]]) {
			return true
		}
	}
	return false
}

// systemPrefixes and systemNamespaces are namespaces that a cluster or its cloud fills by itself.
var (
	systemPrefixes   = []string{"kube-", "aks-", "azure-", "calico-", "tigera-", "gke-", "gmp-", "openshift-", "amazon-"}
	systemNamespaces = []string{"app-routing-system", "dataprotection-microsoft", "gatekeeper-system", "local-path-storage"}
)

func isSystem(namespace string) bool {
	return slices.Contains(systemNamespaces, namespace) || slices.ContainsFunc(systemPrefixes, func(p string) bool { return strings.HasPrefix(namespace, p) })
}

// signs returns the reasons why a cluster looks like one that people depend on: its names, its size, or workloads of
// others in namespaces of their own. Workloads that may not be listed cannot be ruled out.
// docs/adr/011-clusters-of-others.md says why these signs were chosen.
func signs(ctx context.Context, client kubernetes.Interface, cfg *clientcmdapi.Config, nodes int) ([]text.Text, error) {
	var found []text.Text
	add := func(en, ja string, args ...any) {
		found = append(found, text.Text{EN: fmt.Sprintf(en, args...), JA: fmt.Sprintf(ja, args...)})
	}
	for _, n := range namesOf(cfg) {
		if soundsLikeProduction(n.name) {
			add("its %s is called %s", "%[3]sの名前が %[2]s です", n.what.EN, n.name, n.what.JA)
		}
	}
	list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	own := map[string]bool{metav1.NamespaceDefault: true}
	for _, ns := range list.Items {
		if _, ours := ns.Labels[cluster.LabLabel]; ours || isSystem(ns.Name) {
			own[ns.Name] = true
			continue
		}
		if soundsLikeProduction(ns.Name) {
			add("it has a namespace called %s", "%s という Namespace があります", ns.Name)
		}
	}
	if nodes > mostNodes {
		add("it has %d nodes; clusters for exercises have at most %d", "ノードが %d 個あります。演習用のクラスターなら多くても %d 個です", nodes, mostNodes)
	}
	others, err := othersWorkloads(ctx, client, own)
	if apierrors.IsForbidden(err) {
		add("you may not list the workloads of all namespaces, so nobody can tell whose they are", "すべての Namespace のワークロードを一覧する権限がないため、誰のものか確かめられません")
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	if len(others) > 0 {
		some := words(others, mostExamples)
		found = append(found, text.New("it runs workloads of others: %s", "ほかの人のワークロードが動いています: %s", some))
	}
	return found, nil
}

// named is one of the names that a cluster goes by.
type named struct {
	what text.Text
	name string
}

func namesOf(cfg *clientcmdapi.Config) []named {
	c := cfg.Contexts[cfg.CurrentContext]
	names := []named{
		{text.Text{EN: "context", JA: "コンテキスト"}, cfg.CurrentContext},
		{text.Text{EN: "cluster", JA: "クラスター"}, c.Cluster},
		{text.Text{EN: "default namespace", JA: "既定の Namespace"}, c.Namespace},
	}
	if u, err := url.Parse(serverOf(cfg)); err == nil {
		names = append(names, named{text.Text{EN: "server", JA: "サーバー"}, u.Hostname()})
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(names, func(n named) bool {
		again := seen[n.name]
		seen[n.name] = true
		return again
	})
}

// othersWorkloads returns the names of the workloads outside of the namespaces: controllers that keep pods running, and
// pods without a controller.
func othersWorkloads(ctx context.Context, client kubernetes.Interface, own map[string]bool) ([]string, error) {
	apps := client.AppsV1()
	all := metav1.ListOptions{}
	lists := []struct {
		kind string
		list func() (runtime.Object, error)
	}{
		{"deployment", func() (runtime.Object, error) { return apps.Deployments("").List(ctx, all) }},
		{"statefulset", func() (runtime.Object, error) { return apps.StatefulSets("").List(ctx, all) }},
		{"daemonset", func() (runtime.Object, error) { return apps.DaemonSets("").List(ctx, all) }},
		{"cronjob", func() (runtime.Object, error) { return client.BatchV1().CronJobs("").List(ctx, all) }},
		{"pod", func() (runtime.Object, error) { return client.CoreV1().Pods("").List(ctx, all) }},
	}
	var found []string
	for _, l := range lists {
		list, err := l.list()
		if err != nil {
			return nil, err
		}
		err = meta.EachListItem(list, func(o runtime.Object) error {
			m, err := meta.Accessor(o)
			if err != nil {
				return err
			}
			if own[m.GetNamespace()] || metav1.GetControllerOf(m) != nil || ended(o) {
				return nil
			}
			found = append(found, l.kind+"/"+m.GetNamespace()+"/"+m.GetName())
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// ended reports whether the object is a pod that runs no more.
func ended(o runtime.Object) bool {
	pod, ok := o.(*corev1.Pod)
	return ok && (pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed)
}

func join(names []string, sep string) string { return strings.Join(names, sep) }
