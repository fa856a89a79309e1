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
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// explain turns what went wrong with a repository into a problem that says what to do.
func explain(r Reference, err error) error {
	say := func(kind problem.Kind, en, ja string, next action.Action) error {
		return problem.New(kind, text.New("%s: %s", "%s: %s", r, text.Text{EN: en, JA: ja}), next).From(err)
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
		return say(problem.Content, "the repository is refused: "+big.en, "リポジトリを受け付けられません: "+big.ja, action.Action{})
	case errors.Is(err, errNoRef):
		return say(problem.Usage, noRefEN(r.Ref), noRefJA(r.Ref), action.HelpOn(action.AddSource))
	case errors.Is(err, errAmbiguousRef):
		return say(problem.Usage, fmt.Sprintf("%q is a branch and a tag; write @refs/heads/%[1]s or @refs/tags/%[1]s", r.Ref),
			fmt.Sprintf("%q はブランチにもタグにもあります。@refs/heads/%[1]s か @refs/tags/%[1]s と書いてください", r.Ref), action.HelpOn(action.AddSource))
	case errors.Is(err, errNoSubdir):
		return say(problem.Usage, fmt.Sprintf("there is no folder %q in it", r.Subdir), fmt.Sprintf("フォルダー %q がありません", r.Subdir), action.HelpOn(action.AddSource))
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return say(problem.Usage, "the server wants to know who asks, or there is no such repository; k8slab never asks for a password: use ssh:// with your ssh agent, or clone it yourself and name the folder",
			"認証が必要か、リポジトリがありません。k8slab はパスワードを尋ねません。ssh エージェントと ssh:// を使うか、自分でクローンしてそのフォルダーを指定してください", action.HelpOn(action.AddSource))
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return say(problem.Usage, "there is no repository at this address", "このアドレスにリポジトリはありません", action.HelpOn(action.AddSource))
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return say(problem.Content, "the repository is empty", "リポジトリは空です", action.Action{})
	case isSSHProblem(err):
		return say(problem.Usage, "ssh cannot log in ("+said(err)+"); try the same with ssh first, with your agent running and the server among your known hosts",
			"ssh で接続できません ("+said(err)+")。先に ssh コマンドで、エージェントと known_hosts を確かめてください", action.InTerminal("ssh-add -l"))
	case errors.Is(err, context.DeadlineExceeded):
		return say(problem.Usage, fmt.Sprintf("nothing could be fetched within %v", fetchTimeout), fmt.Sprintf("%v 待っても取得できませんでした", fetchTimeout), action.Do(action.ListSources))
	case errors.As(err, &dns):
		return say(problem.Usage, "the host "+dns.Name+" is not found; is there a network?", "ホスト "+dns.Name+" が見つかりません。ネットワークを確かめてください", action.Do(action.ListSources))
	case errors.As(err, &network):
		return say(problem.Usage, "the server cannot be reached ("+said(network)+"); is there a network?",
			"サーバーに接続できません ("+said(network)+")。ネットワークを確かめてください", action.Do(action.ListSources))
	}
	return say(problem.Content, "the repository cannot be read: "+said(err), "リポジトリを読めません: "+said(err), action.Do(action.ListSources))
}

// said returns an error in one line of bounded length: a part of the error can be the server's.
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

// isSSHProblem tells a server that refuses the user from a server that is not there. Neither go-git nor x/crypto/ssh
// has types for all of these errors.
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
		text.New("there is no lab in %s: a lab is a folder with a lab.yaml", "%s にラボがありません。ラボは lab.yaml のあるフォルダーです", r), action.HelpOn(action.AddSource))
}

// broken turns content's list of faults in a lab into one problem.
func broken(err error) error {
	if wrong, ok := errors.AsType[content.Errors](err); ok {
		return problem.New(problem.Content, text.Plain(wrong.Error()), action.Action{}).From(err)
	}
	return err
}

func tooOld(lab, wants, is string) error {
	return problem.New(problem.Content,
		text.New("the lab %s needs k8slab %s or newer, and this is %s; install a newer k8slab", "ラボ %s には k8slab %s 以降が必要ですが、これは %s です。新しい k8slab を入れてください", lab, wants, is), action.Do(action.Version))
}
