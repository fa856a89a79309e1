package existing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Look implements cluster.Guest.
func (p *Provider) Look(ctx context.Context, name string, place cluster.Place) (*cluster.Host, error) {
	kept, err := p.folder(name).read()
	if err != nil && !errors.Is(err, cluster.ErrNotFound) {
		return nil, err
	}
	if place.IsZero() && kept != nil {
		place = kept.Place
	}
	if place, err = p.source.Resolve(ctx, place); err != nil {
		return nil, err
	}
	cfg, err := p.source.Load(ctx, place)
	if err != nil {
		return nil, err
	}
	host := &cluster.Host{Place: place, Context: cfg.CurrentContext, Server: serverOf(cfg), Kubectl: p.source.Kubectl(place)}
	if kept != nil && kept.Server != host.Server {
		return nil, problem.New(problem.Cluster,
			text.New("%s leads to %s, but the lab %s is being played on %s, by the context %s; that has to be cleaned up first", "%s の接続先は %s ですが、ラボ %s は %s (コンテキスト %s) で進行中です。先にそちらを片付けてください", host.Context, host.Server, name, kept.Server, kept.Context),
			action.Do(action.Delete).On(name))
	}
	client, rc, err := connect(cfg, host.Kubectl)
	if err != nil {
		return nil, err
	}
	host.Config = rc
	if host.Version, host.ID, err = identify(ctx, client); err != nil {
		return nil, noAnswer(err, host.Context, host.Server, host.Kubectl)
	}
	if kept != nil && kept.ID == host.ID {
		host.Settled, host.NodesAllowed, host.NodeNames = true, kept.NodesAllowed, kept.NodeNames
	}
	host.User = whoAmI(ctx, client)
	if host.Nodes, err = nodesOf(ctx, client); err != nil {
		return nil, noAnswer(err, host.Context, host.Server, host.Kubectl)
	}
	host.Production, err = signs(ctx, client, cfg, len(host.Nodes))
	if err != nil {
		return nil, noAnswer(err, host.Context, host.Server, host.Kubectl)
	}
	return host, nil
}

// identify returns the version and the identity of the cluster.
func identify(ctx context.Context, client kubernetes.Interface) (version, id string, err error) {
	// client-go's discovery takes no context; answerTimeout bounds it.
	info, err := client.Discovery().ServerVersion()
	if err != nil {
		return "", "", err
	}
	system, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return "", "", err
	}
	return info.GitVersion, string(system.UID), nil
}

// whoAmI returns the user that the API server takes the credentials for, or "" if the API server does not say. A
// SelfSubjectReview is answered and not stored.
func whoAmI(ctx context.Context, client kubernetes.Interface) string {
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return ""
	}
	return review.Status.UserInfo.Username
}

func nodesOf(ctx context.Context, client kubernetes.Interface) ([]cluster.HostNode, error) {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	nodes := []cluster.HostNode{}
	for i := range list.Items {
		n := &list.Items[i]
		nodes = append(nodes, cluster.HostNode{
			Node: cluster.Node{
				Name: n.Name, Zone: n.Labels[corev1.LabelTopologyZone], Pool: n.Labels["agentpool"], Version: n.Status.NodeInfo.KubeletVersion,
			},
			Cordoned: n.Spec.Unschedulable, TakesPods: takesPods(n),
		})
	}
	slices.SortFunc(nodes, func(a, b cluster.HostNode) int { return strings.Compare(a.Name, b.Name) })
	return nodes, nil
}

func takesPods(n *corev1.Node) bool {
	if n.Spec.Unschedulable {
		return false
	}
	for _, taint := range n.Spec.Taints {
		if taint.Effect != corev1.TaintEffectPreferNoSchedule {
			return false
		}
	}
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// noAnswer is the problem of a cluster that cannot be used. The person's own commands for the cluster begin with
// kubectl.
func noAnswer(err error, context, server, kubectl string) error {
	try := action.InTerminal(kubectl + " get nodes")
	what := func(en, ja string, next action.Action) error {
		return problem.New(problem.Cluster, text.New(en, ja, context, server), next).From(err)
	}
	if _, ok := errors.AsType[*problem.Problem](err); ok {
		return err
	}
	if apierrors.IsUnauthorized(err) {
		return what("the credentials of %s are not accepted by %s (401): they are wrong or have expired. Sign in again",
			"%s の認証情報が %s に受け入れられません (401)。誤っているか、期限が切れています。サインインし直してください", try)
	}
	if apierrors.IsForbidden(err) {
		return problem.New(problem.Cluster,
			text.New("the rights of %s are not enough for a lab on %s: %v", "%s の権限は、%s でラボを行うには足りません: %v", context, server, err),
			action.InTerminal(kubectl+" auth can-i --list")).From(err)
	}
	var unknown x509.UnknownAuthorityError
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &unknown) || errors.As(err, &certificate) {
		return what("the certificate of the server is not the one that %s expects: %s is another cluster, or somebody intercepts the connection",
			"サーバー証明書が %s の期待するものと違います。%s は別のクラスターになったか、間に別のものが入っています", try)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return what("%s leads to %s, and there is no such name: the cluster is gone or stopped, or its API is private and cannot be reached from here",
			"%s の接続先 %s の名前が見つかりません。クラスターが削除または停止されているか、API が非公開でここから届きません", try)
	}
	cause := err
	if request, ok := errors.AsType[*url.Error](err); ok {
		cause = request.Err // the address is in the sentence already
	}
	return problem.New(problem.Cluster,
		text.New("the cluster of %s does not answer at %s: %v", "%s のクラスター (%s) が応答しません: %v", context, server, cause), try).From(err)
}
