package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/atomicfile"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Store keeps the sources that were added, and the commit to which each repository is pinned. Several processes may
// call its methods at once: the list is replaced as a whole, a snapshot is never changed, and adding, updating and
// removing take a lock that ends with the process.
type Store struct {
	dir string
	// version of this k8slab; labs may ask for a newer one.
	version string
	limits  limits
	// http carries https:// requests; nil means the default transport, with the proxies of the environment.
	http http.RoundTripper
}

// Source is a source that was added.
type Source struct {
	Name string `json:"name"`
	// Location is the source's address, as Reference.String writes it.
	Location string `json:"location"`
	// Commit to which the source is pinned; empty for a folder.
	Commit string `json:"commit,omitempty"`
	// Pinned is when the source was pinned; zero for a folder.
	Pinned time.Time `json:"pinned,omitzero"`
}

// Origin of the source's labs as they are now.
func (s Source) Origin() content.Origin { return content.Origin{Source: s.Location, Commit: s.Commit} }

// Change is what an update did to a source. From equals To if nothing changed.
type Change struct {
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`
}

const (
	listFile = "sources.json"
	lockFile = "lock"
	// newPrefix begins the names of folders that are being made. The next holder of the lock removes those of a killed
	// process.
	newPrefix = ".new-"
)

// New returns the store in the folder, which is made when something is first stored in it. version is k8slab's own.
func New(dir, version string) *Store {
	return &Store{dir: dir, version: version, limits: defaultLimits()}
}

// List returns the sources in the order of their names.
func (s *Store) List() ([]Source, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, listFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []Source
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil {
		path := filepath.Join(s.dir, listFile)
		return nil, problem.New(problem.Content,
			text.New("the list of sources in %s cannot be read: %v; move it away to begin a new one", "ソースの一覧 %s を読めません: %v。ファイルを移動すれば新しく始められます", path, err), action.InTerminal("ls -l "+shellescape.Quote(path))).From(err)
	}
	return list, nil
}

// sourceName is a name that a learner types: one word that cannot be the beginning of a path or a URL.
var sourceName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Add fetches a source and adds it under the name or, if name is empty, under a name made from its address. A source
// that was added before is returned as it is, with false.
func (s *Store) Add(ctx context.Context, name, written string, report cluster.Progress) (Source, bool, error) {
	if name != "" && (!sourceName.MatchString(name) || len(name) > 63) {
		return Source{}, false, problem.New(problem.Usage,
			text.New("%q cannot be the name of a source: use lower-case letters, digits and single hyphens", "%q はソースの名前に使えません。英小文字、数字、ハイフンを使ってください", name), action.HelpOn(action.AddSource))
	}
	r, err := Parse(written)
	if err != nil {
		return Source{}, false, err
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return Source{}, false, err
	}
	defer unlock()
	list, err := s.List()
	if err != nil {
		return Source{}, false, err
	}
	for _, there := range list {
		switch {
		case there.Location == r.String() && (name == "" || name == there.Name):
			return there, false, nil
		case there.Location == r.String():
			return Source{}, false, problem.New(problem.Usage,
				text.New("%s was added already, as %s", "%s は %s として追加済みです", r, there.Name), action.Do(action.ListSources))
		case there.Name == name:
			return Source{}, false, problem.New(problem.Usage,
				text.New("there is a source %s already: %s", "ソース %s はすでにあります: %s", name, there.Location), action.Do(action.ListSources))
		}
	}
	added, err := s.pin(ctx, r, report)
	if err != nil {
		return Source{}, false, err
	}
	if added.Name = name; name == "" {
		added.Name = freeName(r, list)
	}
	return added, true, s.save(append(list, added))
}

// pin fetches the commit that the reference means now. A folder is only looked at.
func (s *Store) pin(ctx context.Context, r Reference, report cluster.Progress) (Source, error) {
	pinned := Source{Location: r.String()}
	if r.Folder {
		dirs, err := s.folders(r)
		if err == nil && len(dirs) == 0 {
			err = noLabs(r)
		}
		return pinned, err
	}
	tmp, err := os.MkdirTemp(s.dir, newPrefix+"*")
	if err != nil {
		return Source{}, notWritable(s.dir, err)
	}
	defer os.RemoveAll(tmp)
	var taken snapshot
	err = report.Run("fetch", func() (string, error) {
		taken, pinned.Commit, err = s.fetch(ctx, r, tmp)
		return short(pinned.Commit), err
	})
	if err != nil {
		return Source{}, explain(r, err)
	}
	if len(taken.files) == 0 && len(taken.refused) == 0 {
		return Source{}, noLabs(r)
	}
	pinned.Pinned = time.Now().UTC().Truncate(time.Second)
	if err := s.keep(pinned.Origin(), taken); err != nil {
		return Source{}, notWritable(s.dir, err)
	}
	return pinned, nil
}

// short returns a commit as people read it.
func short(commit string) string { return commit[:min(12, len(commit))] }

// freeName makes a name that no other source has, from the last word of the address.
func freeName(r Reference, list []Source) string {
	last := strings.TrimSuffix(r.Location, ".git")
	last = last[strings.LastIndexAny(last, "/:")+1:]
	words := strings.FieldsFunc(strings.ToLower(last), func(c rune) bool { return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') })
	base := strings.Join(words, "-")
	if base == "" {
		base = "labs"
	}
	base = strings.Trim(base[:min(50, len(base))], "-")
	name := base
	for n := 2; slices.ContainsFunc(list, func(s Source) bool { return s.Name == name }); n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	return name
}

// Update moves the pin of the source of that name, or of all sources for "", to the commit that its address means now.
// Attempts that are under way keep the commit from which they were begun. A source whose update fails keeps its pin,
// and does not keep the others from being updated.
func (s *Store) Update(ctx context.Context, name string, report cluster.Progress) ([]Change, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	list, err := s.List()
	if err != nil {
		return nil, err
	}
	if name != "" && !slices.ContainsFunc(list, func(there Source) bool { return there.Name == name }) {
		return nil, s.unknown(name, list)
	}
	changes := []Change{}
	var failed []error
	for i, there := range list {
		if name != "" && there.Name != name {
			continue
		}
		r, err := parseStored(there.Location)
		if err == nil {
			var moved Source
			if moved, err = s.pin(ctx, r, report); err == nil {
				changes = append(changes, Change{Name: there.Name, From: there.Commit, To: moved.Commit})
				moved.Name = there.Name
				list[i] = moved
			}
		}
		failed = append(failed, err)
	}
	return changes, errors.Join(append(failed, s.save(list))...)
}

// Remove forgets the source of that name.
func (s *Store) Remove(ctx context.Context, name string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	list, err := s.List()
	if err != nil {
		return err
	}
	left := slices.DeleteFunc(slices.Clone(list), func(there Source) bool { return there.Name == name })
	if len(left) == len(list) {
		return s.unknown(name, list)
	}
	return s.save(left)
}

// Prune removes the snapshots that no source is pinned to and that are not among those in use.
func (s *Store) Prune(ctx context.Context, inUse []content.Origin) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	list, err := s.List()
	if err != nil {
		return err
	}
	var needed []string
	for _, o := range inUse {
		needed = append(needed, s.keptFile(o))
	}
	for _, there := range list {
		needed = append(needed, s.keptFile(there.Origin()))
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*.zip"))
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		if !slices.Contains(needed, file) {
			errs = append(errs, os.Remove(file))
		}
	}
	return errors.Join(errs...)
}

func (s *Store) unknown(name string, list []Source) error {
	var names []string
	for _, there := range list {
		names = append(names, there.Name)
	}
	en, ja := fmt.Sprintf("there is no source %q", name), fmt.Sprintf("ソース %q はありません", name)
	if near, ok := text.Nearest(name, names); ok {
		en += fmt.Sprintf("; did you mean %s?", near)
		ja += fmt.Sprintf("。%s のことですか？", near)
	}
	return problem.New(problem.Usage, text.Text{EN: en, JA: ja}, action.Do(action.ListSources))
}

// lock keeps other processes from changing the store, and removes the folders that a killed process left.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	unlock, err = flock.Wait(ctx, filepath.Join(s.dir, lockFile))
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, notWritable(s.dir, err)
	}
	files, err := atomicfile.Unfinished(s.dir)
	folders, globErr := filepath.Glob(filepath.Join(s.dir, newPrefix+"*"))
	err = errors.Join(err, globErr)
	for _, path := range append(files, folders...) {
		err = errors.Join(err, os.RemoveAll(path))
	}
	if err != nil {
		unlock()
		return nil, notWritable(s.dir, err)
	}
	return unlock, nil
}

func (s *Store) save(list []Source) error {
	slices.SortFunc(list, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	raw, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(s.dir, listFile), append(raw, '\n'), atomicfile.Private); err != nil {
		return notWritable(s.dir, err)
	}
	return nil
}

func notWritable(dir string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return problem.New(problem.Internal,
		text.New("sources cannot be kept: %s cannot be written (%v)", "ソースを保存できません。%s に書き込めません (%v)", dir, err), action.Do(action.Doctor)).From(err)
}
