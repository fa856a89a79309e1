package source

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"al.essio.dev/pkg/shellescape"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Reference is where labs are, as a person writes it: DIR, or GIT-URL[@REF][//SUBDIR].
type Reference struct {
	// Location is the absolute path of a folder, or the URL of a repository without a ref and a subdir.
	Location string
	// Ref is a branch, a tag or a commit; empty means what the repository's HEAD points to.
	Ref string
	// Subdir is the folder of the repository that holds the labs; empty means its root.
	Subdir string
	// Folder: Location is a folder, which is read as it is now.
	Folder bool
}

// String returns the one way to write the reference that does not depend on the working directory.
func (r Reference) String() string {
	s := r.Location
	if r.Ref != "" {
		s += "@" + r.Ref
	}
	if r.Subdir != "" {
		s += "//" + r.Subdir
	}
	return s
}

// commitID is a full object id. A shorter id could come to mean another commit.
var commitID = regexp.MustCompile(`^[0-9a-f]{40}$`)

var (
	schemePrefix = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$`)
	// scpLike is git's short form of ssh: user@host:path.
	scpLike = regexp.MustCompile(`^([A-Za-z0-9._-]+)@([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):(.*)$`)
	// secret is a name with a password before the host, with or without a scheme.
	secret = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*://)?[^/@:]*:[^/@]*@`)
)

// Parse reads a reference. Paths are relative to the folder in which k8slab was called.
func Parse(written string) (Reference, error) {
	switch {
	case written == "":
		return Reference{}, malformed(written, "it is empty", "何も書かれていません")
	case strings.IndexFunc(written, func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' }) >= 0:
		return Reference{}, malformed(written, "it holds a control character or a backslash", "制御文字またはバックスラッシュが含まれています")
	}
	if secret.MatchString(written) {
		return Reference{}, withSecret()
	}
	if match := schemePrefix.FindStringSubmatch(written); match != nil {
		return parseURL(written, strings.ToLower(match[1]), match[2])
	}
	if match := scpLike.FindStringSubmatch(written); match != nil {
		return parseSCP(written, match)
	}
	return parsePath(written)
}

// parseStored reads what String wrote.
func parseStored(written string) (Reference, error) {
	if filepath.IsAbs(written) {
		return Reference{Location: written, Folder: true}, nil
	}
	return Parse(written)
}

func parseURL(written, scheme, rest string) (Reference, error) {
	authority, tail, _ := strings.Cut(rest, "/")
	if scheme != "ssh" && strings.Contains(authority, "@") {
		return Reference{}, withSecret() // a name alone can be a token
	}
	switch scheme {
	case "https", "ssh":
	case "file":
		return parseFileURL(written, rest)
	case "http", "git":
		return Reference{}, malformed(written, scheme+":// lets others change what is fetched on its way; use https:// or ssh://",
			scheme+":// では、途中で内容を書き換えられるおそれがあります。https:// か ssh:// を使ってください")
	default:
		return Reference{}, malformed(written, fmt.Sprintf("there is no way to fetch %s://; use https://, ssh:// or file://", scheme),
			scheme+":// では取得できません。https://、ssh://、file:// を使えます")
	}
	if u, err := url.Parse(scheme + "://" + authority); err != nil || u.Hostname() == "" {
		return Reference{}, malformed(written, "there is no host in it", "ホスト名がありません")
	}
	if strings.ContainsAny(tail, "?#") {
		return Reference{}, malformed(written, "a branch, a tag or a commit is written as @REF, not after ? or #",
			"ブランチ、タグ、コミットは ? や # ではなく @REF と書きます")
	}
	r, path, err := parseTail(written, tail)
	if err != nil {
		return Reference{}, err
	}
	if path == "" || strings.HasPrefix(tail, "/") {
		return Reference{}, malformed(written, "there is no repository after the host", "ホスト名のあとにリポジトリがありません")
	}
	r.Location = scheme + "://" + authority + "/" + path
	return r, nil
}

func parseFileURL(written, rest string) (Reference, error) {
	if !strings.HasPrefix(rest, "/") {
		return Reference{}, malformed(written, "a file:// URL needs an absolute path: file:///…", "file:// のあとには絶対パスが必要です: file:///…")
	}
	r, path, err := parseTail(written, strings.TrimPrefix(rest, "/"))
	if err != nil {
		return Reference{}, err
	}
	path = filepath.Clean("/" + path)
	if _, err := url.PathUnescape(path); err != nil {
		return Reference{}, malformed(written, "a percent sign is written as %25 in a URL", "URL ではパーセント記号を %25 と書きます")
	}
	r.Location = fileScheme + path
	return r, nil
}

const fileScheme = "file://"

// inFileURL escapes a path, so that no @ in it can be taken for the beginning of a ref.
var inFileURL = strings.NewReplacer("%", "%25", "@", "%40")

func parseSCP(written string, match []string) (Reference, error) {
	absolute := strings.HasPrefix(match[3], "/")
	r, path, err := parseTail(written, strings.TrimPrefix(match[3], "/"))
	if err != nil {
		return Reference{}, err
	}
	if path == "" || strings.HasPrefix(match[3], "//") {
		return Reference{}, malformed(written, "there is no repository after the host", "ホスト名のあとにリポジトリがありません")
	}
	if absolute {
		path = "/" + path
	}
	r.Location = match[1] + "@" + match[2] + ":" + path
	return r, nil
}

// parseTail divides PATH[@REF][//SUBDIR].
func parseTail(written, tail string) (r Reference, path string, err error) {
	path, subdir, hasSubdir := strings.Cut(tail, "//")
	if hasSubdir {
		if r.Subdir, err = parseSubdir(written, subdir); err != nil {
			return r, "", err
		}
	}
	if at := strings.LastIndex(path, "@"); at >= 0 {
		if r.Ref, err = parseRef(written, path[at+1:]); err != nil {
			return r, "", err
		}
		path = path[:at]
	}
	return r, strings.TrimRight(path, "/"), nil
}

func parseSubdir(written, subdir string) (string, error) {
	subdir = strings.TrimSuffix(subdir, "/")
	if !fs.ValidPath(subdir) || subdir == "." {
		return "", malformed(written, fmt.Sprintf("%q is not a folder in a repository: write //labs or //path/to/labs", subdir),
			fmt.Sprintf("%q はリポジトリ内のフォルダーではありません。//labs や //path/to/labs のように書きます", subdir))
	}
	for element := range strings.SplitSeq(subdir, "/") {
		if strings.EqualFold(element, ".git") {
			return "", malformed(written, "labs cannot be inside .git", ".git の中のラボは使えません")
		}
	}
	return subdir, nil
}

// parseRef follows git-check-ref-format.
func parseRef(written, ref string) (string, error) {
	bad := ref == "" || strings.ContainsAny(ref, " ~^:?*[") || strings.Contains(ref, "..") || strings.Contains(ref, "@{")
	for element := range strings.SplitSeq(ref, "/") {
		bad = bad || element == "" || strings.HasPrefix(element, ".") || strings.HasPrefix(element, "-") ||
			strings.HasSuffix(element, ".") || strings.HasSuffix(element, ".lock")
	}
	if bad {
		return "", malformed(written, fmt.Sprintf("%q is not a branch, a tag or a commit", ref), fmt.Sprintf("%q はブランチ、タグ、コミットのどれでもありません", ref))
	}
	return ref, nil
}

// parsePath reads the path of a folder, which may hold a work tree, or of a bare repository. A path with @REF always
// means a repository.
func parsePath(written string) (Reference, error) {
	path, subdir, hasSubdir := written, "", false
	if i := strings.Index(written[1:], "//"); i >= 0 {
		path, subdir, hasSubdir = written[:i+1], written[i+3:], true
	}
	r := Reference{}
	var err error
	if hasSubdir {
		if r.Subdir, err = parseSubdir(written, strings.TrimLeft(subdir, "/")); err != nil {
			return Reference{}, err
		}
	}
	info, err := os.Stat(path)
	if at := strings.LastIndex(path, "@"); err != nil && at > 0 {
		if found, other := os.Stat(path[:at]); other == nil {
			if r.Ref, err = parseRef(written, path[at+1:]); err != nil {
				return Reference{}, err
			}
			path, info, err = path[:at], found, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Reference{}, noSuchPlace(written)
	case err != nil:
		return Reference{}, unreadable(path, err)
	case !info.IsDir():
		return Reference{}, malformed(written, "it is a file; name the folder that holds the labs", "これはファイルです。ラボのあるフォルダーを指定してください")
	}
	if path, err = filepath.Abs(path); err != nil {
		return Reference{}, err
	}
	if r.Ref != "" || isBare(path) {
		r.Location = fileScheme + inFileURL.Replace(path)
		return r, nil
	}
	return Reference{Location: filepath.Join(path, filepath.FromSlash(r.Subdir)), Folder: true}, nil
}

// isBare reports whether the folder is a repository without a work tree (gitrepository-layout).
func isBare(path string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(path, name)); err != nil {
			return false
		}
	}
	return true
}

func malformed(written, en, ja string) error {
	written = strconv.Quote(written)
	if perhapsSecret.MatchString(written) {
		written = "this address"
	}
	return problem.New(problem.Usage, text.New("%s is not a source of labs: %s", "%s はラボのソースとして使えません: %s", written, text.Text{EN: en, JA: ja}), action.HelpOn(action.AddSource))
}

// perhapsSecret is an address that cannot be told from one with a password, so no message repeats it.
var perhapsSecret = regexp.MustCompile(`:[^@]*:[^@]*@`)

// withSecret is the problem of an address with a secret. It never repeats the address.
func withSecret() error {
	return problem.New(problem.Usage,
		text.New("an address with a user's name or password in it is refused, because it would be stored; use ssh:// with your ssh agent, or clone the repository yourself and name the folder", "ユーザー名やパスワードを含むアドレスは、保存されてしまうため使えません。ssh エージェントと ssh:// を使うか、リポジトリを自分でクローンしてそのフォルダーを指定してください"),
		action.HelpOn(action.AddSource))
}

func noSuchPlace(written string) error {
	return problem.New(problem.Usage,
		text.New("%s is neither a folder, nor a repository, nor a source that was added", "%s というフォルダーも、リポジトリも、追加済みのソースもありません", strconv.Quote(written)), action.Do(action.ListSources))
}

func unreadable(path string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return problem.New(problem.Usage, text.New("%s cannot be read: %v", "%s を読めません: %v", path, err), action.InTerminal("ls -ld "+shellescape.Quote(path))).From(err)
}
