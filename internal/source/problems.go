package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/problem"
)

// explain turns what went wrong with a repository into a problem that says what to do.
func explain(r Reference, err error) error {
	say := func(kind problem.Kind, en, ja, next string) error {
		return problem.New(kind, r.String()+": "+en, r.String()+": "+ja, next).From(err)
	}
	var (
		big     tooBig
		dns     *net.DNSError
		network net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &big):
		return say(problem.Content, "the repository is refused: "+big.en, "リポジトリを受け付けられません: "+big.ja, "")
	case errors.Is(err, errNoRef):
		return say(problem.Usage, noRefEN(r.Ref), noRefJA(r.Ref), "k8slab source add --help")
	case errors.Is(err, errAmbiguousRef):
		return say(problem.Usage, fmt.Sprintf("%q is a branch and a tag; write @refs/heads/%[1]s or @refs/tags/%[1]s", r.Ref),
			fmt.Sprintf("%q はブランチにもタグにもあります。@refs/heads/%[1]s か @refs/tags/%[1]s と書いてください", r.Ref), "k8slab source add --help")
	case errors.Is(err, errNoSubdir):
		return say(problem.Usage, fmt.Sprintf("there is no folder %q in it", r.Subdir), fmt.Sprintf("フォルダー %q がありません", r.Subdir), "k8slab source add --help")
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return say(problem.Usage, "the server wants to know who asks, or there is no such repository; k8slab never asks for a password: use ssh:// with your ssh agent, or clone it yourself and name the folder",
			"認証が必要か、リポジトリがありません。k8slab はパスワードを尋ねません。ssh エージェントと ssh:// を使うか、自分でクローンしてそのフォルダーを指定してください", "k8slab source add --help")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return say(problem.Usage, "there is no repository at this address", "このアドレスにリポジトリはありません", "k8slab source add --help")
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return say(problem.Content, "the repository is empty", "リポジトリは空です", "")
	case isSSHProblem(err):
		return say(problem.Usage, "ssh does not get in ("+said(err)+"); try the same with ssh first, with your agent running and the server among your known hosts",
			"ssh で接続できません ("+said(err)+")。先に ssh コマンドで、エージェントと known_hosts を確かめてください", "ssh-add -l")
	case errors.Is(err, context.DeadlineExceeded):
		return say(problem.Usage, fmt.Sprintf("nothing came of it within %v", fetchTimeout), fmt.Sprintf("%v 待っても取得できませんでした", fetchTimeout), "k8slab source list")
	case errors.As(err, &dns):
		return say(problem.Usage, "the host "+dns.Name+" is not found; is there a network?", "ホスト "+dns.Name+" が見つかりません。ネットワークを確かめてください", "k8slab source list")
	case errors.As(err, &network):
		return say(problem.Usage, "the server cannot be reached ("+said(network)+"); is there a network?",
			"サーバーに接続できません ("+said(network)+")。ネットワークを確かめてください", "k8slab source list")
	}
	return say(problem.Content, "the repository cannot be read: "+said(err), "リポジトリを読めません: "+said(err), "k8slab source list")
}

// said is an error in one line of bounded length: a part of it can be the server's.
func said(err error) string {
	const most = 300
	words := []rune(strings.Join(strings.Fields(err.Error()), " "))
	if len(words) > most {
		return string(words[:most]) + "…"
	}
	return string(words)
}

func noRefEN(ref string) string {
	if ref == "" {
		return "the repository has no commit on its default branch; name a branch or a tag: @REF"
	}
	return fmt.Sprintf("there is no branch, tag or commit %q (a commit is written with all its 40 digits)", ref)
}

func noRefJA(ref string) string {
	if ref == "" {
		return "既定のブランチにコミットがありません。@REF でブランチかタグを指定してください"
	}
	return fmt.Sprintf("%q というブランチ、タグ、コミットはありません (コミットは 40 桁すべて書きます)", ref)
}

// isSSHProblem tells a server that does not let one in from one that is not there. Neither go-git nor x/crypto/ssh has types for all.
func isSSHProblem(err error) bool {
	if knownhosts.IsHostKeyChanged(err) || knownhosts.IsHostUnknown(err) {
		return true
	}
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return true
	}
	for _, sign := range []string{"SSH agent", "ssh: handshake failed", "known_hosts", "knownhosts:", "SSH_AUTH_SOCK"} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}

func noLabs(r Reference) error {
	return problem.New(problem.Content,
		fmt.Sprintf("there is no lab in %s: a lab is a folder with a lab.yaml", r), fmt.Sprintf("%s にラボがありません。ラボは lab.yaml のあるフォルダーです", r), "k8slab source add --help")
}

// broken is content's list of what is wrong with a lab, as one problem.
func broken(err error) error {
	if wrong, ok := errors.AsType[content.Errors](err); ok {
		return problem.New(problem.Content, wrong.Error(), wrong.Error(), "").From(err)
	}
	return err
}

func tooOld(lab, wants, is string) error {
	return problem.New(problem.Content,
		fmt.Sprintf("the lab %s needs k8slab %s or newer, and this is %s; install a newer k8slab", lab, wants, is),
		fmt.Sprintf("ラボ %s には k8slab %s 以降が必要ですが、これは %s です。新しい k8slab を入れてください", lab, wants, is), "k8slab version")
}
