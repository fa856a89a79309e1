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

	"github.com/k8slab/k8slab/engine/problem"
)

// Reference is where labs are, as a person writes it: DIR, or GIT-URL[@REF][//SUBDIR].
type Reference struct {
	// Location is the absolute path of a folder, or the URL of a repository without what follows it.
	Location string
	// Ref is a branch, a tag or a commit; empty means what the repository's HEAD points to.
	Ref string
	// Subdir is the folder of the repository that holds the labs; empty means its root.
	Subdir string
	// Folder: Location is a folder, which is read as it is now.
	Folder bool
}

// String returns the one way to write the reference that does not depend on where one is.
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

// commitID is a full object id. A shorter one could come to mean another commit.
var commitID = regexp.MustCompile(`^[0-9a-f]{40}$`)

var (
	schemePrefix = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$`)
	// scpLike is git's short form of ssh: user@host:path.
	scpLike = regexp.MustCompile(`^([A-Za-z0-9._-]+)@([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):(.*)$`)
	// secret is a name with a password before the host, with or without a scheme.
	secret = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*://)?[^/@:]*:[^/@]*@`)
)

// Parse reads a reference. Paths are relative to the folder in which k8slab was called.
func Parse(text string) (Reference, error) {
	switch {
	case text == "":
		return Reference{}, malformed(text, "it is empty", "何も書かれていません")
	case strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) || r == '\\' }) >= 0:
		return Reference{}, malformed(text, "it holds a control character or a backslash", "制御文字またはバックスラッシュが含まれています")
	}
	if secret.MatchString(text) {
		return Reference{}, withSecret()
	}
	if match := schemePrefix.FindStringSubmatch(text); match != nil {
		return parseURL(text, strings.ToLower(match[1]), match[2])
	}
	if match := scpLike.FindStringSubmatch(text); match != nil {
		return parseSCP(text, match)
	}
	return parsePath(text)
}

// parseStored reads what String wrote.
func parseStored(text string) (Reference, error) {
	if filepath.IsAbs(text) {
		return Reference{Location: text, Folder: true}, nil
	}
	return Parse(text)
}

func parseURL(text, scheme, rest string) (Reference, error) {
	authority, tail, _ := strings.Cut(rest, "/")
	if scheme != "ssh" && strings.Contains(authority, "@") {
		return Reference{}, withSecret() // a name alone can be a token
	}
	switch scheme {
	case "https", "ssh":
	case "file":
		return parseFileURL(text, rest)
	case "http", "git":
		return Reference{}, malformed(text, scheme+":// lets others change what is fetched on its way; use https:// or ssh://",
			scheme+":// では、途中で内容を書き換えられるおそれがあります。https:// か ssh:// を使ってください")
	default:
		return Reference{}, malformed(text, fmt.Sprintf("there is no way to fetch %s://; use https://, ssh:// or file://", scheme),
			scheme+":// では取得できません。https://、ssh://、file:// を使えます")
	}
	if u, err := url.Parse(scheme + "://" + authority); err != nil || u.Hostname() == "" {
		return Reference{}, malformed(text, "there is no host in it", "ホスト名がありません")
	}
	if strings.ContainsAny(tail, "?#") {
		return Reference{}, malformed(text, "a branch, a tag or a commit is written as @REF, not after ? or #",
			"ブランチ、タグ、コミットは ? や # ではなく @REF と書きます")
	}
	r, path, err := parseTail(text, tail)
	if err != nil {
		return Reference{}, err
	}
	if path == "" || strings.HasPrefix(tail, "/") {
		return Reference{}, malformed(text, "there is no repository after the host", "ホスト名のあとにリポジトリがありません")
	}
	r.Location = scheme + "://" + authority + "/" + path
	return r, nil
}

func parseFileURL(text, rest string) (Reference, error) {
	if !strings.HasPrefix(rest, "/") {
		return Reference{}, malformed(text, "a file:// URL needs an absolute path: file:///…", "file:// のあとには絶対パスが必要です: file:///…")
	}
	r, path, err := parseTail(text, strings.TrimPrefix(rest, "/"))
	if err != nil {
		return Reference{}, err
	}
	path = filepath.Clean("/" + path)
	if _, err := url.PathUnescape(path); err != nil {
		return Reference{}, malformed(text, "a percent sign is written as %25 in a URL", "URL ではパーセント記号を %25 と書きます")
	}
	r.Location = fileScheme + path
	return r, nil
}

const fileScheme = "file://"

// inFileURL writes a path so that nothing in it can be taken for what follows it.
var inFileURL = strings.NewReplacer("%", "%25", "@", "%40")

func parseSCP(text string, match []string) (Reference, error) {
	absolute := strings.HasPrefix(match[3], "/")
	r, path, err := parseTail(text, strings.TrimPrefix(match[3], "/"))
	if err != nil {
		return Reference{}, err
	}
	if path == "" || strings.HasPrefix(match[3], "//") {
		return Reference{}, malformed(text, "there is no repository after the host", "ホスト名のあとにリポジトリがありません")
	}
	if absolute {
		path = "/" + path
	}
	r.Location = match[1] + "@" + match[2] + ":" + path
	return r, nil
}

// parseTail divides PATH[@REF][//SUBDIR].
func parseTail(text, tail string) (r Reference, path string, err error) {
	path, subdir, hasSubdir := strings.Cut(tail, "//")
	if hasSubdir {
		if r.Subdir, err = parseSubdir(text, subdir); err != nil {
			return r, "", err
		}
	}
	if at := strings.LastIndex(path, "@"); at >= 0 {
		if r.Ref, err = parseRef(text, path[at+1:]); err != nil {
			return r, "", err
		}
		path = path[:at]
	}
	return r, strings.TrimRight(path, "/"), nil
}

func parseSubdir(text, subdir string) (string, error) {
	subdir = strings.TrimSuffix(subdir, "/")
	if !fs.ValidPath(subdir) || subdir == "." {
		return "", malformed(text, fmt.Sprintf("%q is no folder in a repository: write //labs or //path/to/labs", subdir),
			fmt.Sprintf("%q はリポジトリ内のフォルダーではありません。//labs や //path/to/labs のように書きます", subdir))
	}
	for element := range strings.SplitSeq(subdir, "/") {
		if strings.EqualFold(element, ".git") {
			return "", malformed(text, "labs cannot be inside .git", ".git の中のラボは使えません")
		}
	}
	return subdir, nil
}

// parseRef follows git-check-ref-format.
func parseRef(text, ref string) (string, error) {
	bad := ref == "" || strings.ContainsAny(ref, " ~^:?*[") || strings.Contains(ref, "..") || strings.Contains(ref, "@{")
	for element := range strings.SplitSeq(ref, "/") {
		bad = bad || element == "" || strings.HasPrefix(element, ".") || strings.HasPrefix(element, "-") ||
			strings.HasSuffix(element, ".") || strings.HasSuffix(element, ".lock")
	}
	if bad {
		return "", malformed(text, fmt.Sprintf("%q is no branch, tag or commit", ref), fmt.Sprintf("%q はブランチ、タグ、コミットのどれでもありません", ref))
	}
	return ref, nil
}

// parsePath reads a path: of a folder, which may hold a work tree, or of a bare repository. With @REF it is always a repository.
func parsePath(text string) (Reference, error) {
	path, subdir, hasSubdir := text, "", false
	if i := strings.Index(text[1:], "//"); i >= 0 {
		path, subdir, hasSubdir = text[:i+1], text[i+3:], true
	}
	r := Reference{}
	var err error
	if hasSubdir {
		if r.Subdir, err = parseSubdir(text, strings.TrimLeft(subdir, "/")); err != nil {
			return Reference{}, err
		}
	}
	info, err := os.Stat(path)
	if at := strings.LastIndex(path, "@"); err != nil && at > 0 {
		if found, other := os.Stat(path[:at]); other == nil {
			if r.Ref, err = parseRef(text, path[at+1:]); err != nil {
				return Reference{}, err
			}
			path, info, err = path[:at], found, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Reference{}, noSuchPlace(text)
	case err != nil:
		return Reference{}, unreadable(path, err)
	case !info.IsDir():
		return Reference{}, malformed(text, "it is a file; name the folder that holds the labs", "これはファイルです。ラボのあるフォルダーを指定してください")
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

func malformed(text, en, ja string) error {
	text = strconv.Quote(text)
	if perhapsSecret.MatchString(text) {
		text = "this address"
	}
	return problem.New(problem.Usage, fmt.Sprintf("%s is no source of labs: %s", text, en),
		fmt.Sprintf("%s はラボのソースとして使えません: %s", text, ja), "k8slab source add --help")
}

// perhapsSecret is an address that cannot be told from one with a password: it is not repeated.
var perhapsSecret = regexp.MustCompile(`:[^@]*:[^@]*@`)

// withSecret never repeats what was written.
func withSecret() error {
	return problem.New(problem.Usage,
		"an address with a user's name or password in it is refused, because it would be stored; use ssh:// with your ssh agent, or clone the repository yourself and name the folder",
		"ユーザー名やパスワードを含むアドレスは、保存されてしまうため使えません。ssh エージェントと ssh:// を使うか、リポジトリを自分でクローンしてそのフォルダーを指定してください",
		"k8slab source add --help")
}

func noSuchPlace(text string) error {
	return problem.New(problem.Usage,
		fmt.Sprintf("%s is neither a folder, nor a repository, nor a source that was added", strconv.Quote(text)),
		fmt.Sprintf("%s というフォルダーも、リポジトリも、追加済みのソースもありません", strconv.Quote(text)), "k8slab source list")
}

func unreadable(path string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return problem.New(problem.Usage, fmt.Sprintf("%s cannot be read: %v", path, err), fmt.Sprintf("%s を読めません: %v", path, err), "ls -ld "+shellWord(path)).From(err)
}

// shellWord makes a path one word of a shell.
func shellWord(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }
