package source

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/catalog"
	"github.com/k8slab/k8slab/engine/cluster"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

var _ catalog.Library = (*Store)(nil)

// Offers implements catalog.Library.
func (s *Store) Offers(context.Context) ([]catalog.Offer, error) {
	list, err := s.List()
	if err != nil {
		return nil, err
	}
	var all []catalog.Offer
	for _, there := range list {
		offers, err := s.offersOf(there.Name, there.Origin())
		if err != nil {
			offers = []catalog.Offer{{Source: there.Name, Err: err}}
		}
		all = append(all, offers...)
	}
	return all, nil
}

// Resolve implements catalog.Library. A folder is read in its place. A repository is added unless it was added before;
// then the commit to which it is pinned counts.
func (s *Store) Resolve(ctx context.Context, from string, report cluster.Progress) (content.Origin, []catalog.Offer, error) {
	list, err := s.List()
	if err != nil {
		return content.Origin{}, nil, err
	}
	for _, there := range list {
		if there.Name == from {
			offers, err := s.offersOf(there.Name, there.Origin())
			return there.Origin(), offers, err
		}
	}
	if sourceName.MatchString(from) {
		if _, err := os.Stat(from); err != nil {
			return content.Origin{}, nil, s.unknown(from, list)
		}
	}
	r, err := Parse(from)
	if err != nil {
		return content.Origin{}, nil, err
	}
	there := Source{Name: r.String(), Location: r.String()}
	if !r.Folder {
		if there, _, err = s.Add(ctx, "", from, report); err != nil {
			return content.Origin{}, nil, err
		}
	}
	offers, err := s.offersOf(there.Name, there.Origin())
	if err == nil && len(offers) == 0 {
		err = noLabs(r)
	}
	return there.Origin(), offers, err
}

// Current implements catalog.Library.
func (s *Store) Current(source string) (content.Origin, bool, error) {
	if r, err := parseStored(source); err == nil && r.Folder {
		return content.Origin{Source: source}, true, nil
	}
	list, err := s.List()
	for _, there := range list {
		if there.Location == source {
			return there.Origin(), true, err
		}
	}
	return content.Origin{}, false, err
}

// Open implements catalog.Library.
func (s *Store) Open(_ context.Context, o content.Origin, id string) (*content.Lab, error) {
	labs, refused, err := s.read(o)
	if err != nil {
		return nil, err
	}
	dir := id
	if _, whole := refused["."]; whole || content.IsLab(labs) {
		dir = "."
	}
	if wrong := refused[dir]; wrong != nil {
		return nil, broken(wrong)
	}
	if _, err := fs.Stat(labs, dir); err != nil {
		return nil, problem.New(problem.Usage,
			text.New("the lab %s is not in %s any more", "ラボ %s は %s にもうありません", id, o.Source), action.Do(action.Delete).On(id)).From(err)
	}
	lab, err := s.load(labs, dir, o)
	if err == nil && lab.ID != id {
		err = problem.New(problem.Usage,
			text.New("the lab %s is not in %s any more; there is %s", "ラボ %s は %s にもうありません。あるのは %s です", id, o.Source, lab.ID), action.Do(action.Delete).On(id))
	}
	return lab, err
}

// read returns the labs of the origin, and the reasons for the labs that are refused without being read.
func (s *Store) read(o content.Origin) (fs.FS, map[string]content.Errors, error) {
	if o.Commit == "" {
		labs, err := folder(o.Source)
		return labs, nil, err
	}
	labs, refused, err := s.kept(o)
	if err != nil {
		return nil, nil, problem.New(problem.Content,
			text.New("the copy of %s at commit %s cannot be read: %v", "保存した %s のコミット %s を読めません: %v", o.Source, short(o.Commit), err), action.Do(action.UpdateSource)).From(err)
	}
	return labs, refused, nil
}

// folder opens a folder so that nothing in it leads out of it, even if it changes while it is read.
func folder(path string) (fs.FS, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return root.FS(), nil
}

// folders returns the folders of labs in a folder, "." if the folder itself is a lab.
func (s *Store) folders(r Reference) ([]string, error) {
	labs, err := folder(r.Location)
	if err != nil {
		return nil, err
	}
	return labFolders(labs)
}

func labFolders(labs fs.FS) ([]string, error) {
	if content.IsLab(labs) {
		return []string{"."}, nil
	}
	dirs, err := content.Find(labs)
	return dirs, broken(err)
}

func (s *Store) offersOf(name string, o content.Origin) ([]catalog.Offer, error) {
	labs, refused, err := s.read(o)
	if err != nil {
		return nil, err
	}
	dirs, err := labFolders(labs)
	if err != nil {
		return nil, err
	}
	var offers []catalog.Offer
	for _, dir := range dirs {
		offer := catalog.Offer{Source: name, ID: dir}
		if offer.Lab, offer.Err = s.load(labs, dir, o); offer.Err == nil {
			offer.ID = offer.Lab.ID
		}
		offers = append(offers, offer)
	}
	for _, dir := range slices.Sorted(maps.Keys(refused)) {
		offers = append(offers, catalog.Offer{Source: name, ID: dir, Err: broken(refused[dir])})
	}
	return offers, nil
}

// load reads one lab, unless the lab asks for a newer k8slab.
func (s *Store) load(labs fs.FS, dir string, o content.Origin) (*content.Lab, error) {
	if oldest := content.OldestK8slab(labs, dir); oldest != "" && s.olderThan(oldest) {
		return nil, tooOld(dir, oldest, s.version)
	}
	lab, err := content.Load(labs, dir)
	if err != nil {
		return nil, broken(err)
	}
	lab.Origin = o
	return lab, nil
}

// olderThan reports whether this k8slab is older than the version. A k8slab that was built without a version counts as
// the newest.
func (s *Store) olderThan(oldest string) bool {
	this, err := version.ParseGeneric(s.version)
	if err != nil || strings.HasPrefix(s.version, "v0.0.0-") {
		return false
	}
	wants, err := version.ParseGeneric(oldest)
	return err == nil && this.LessThan(wants)
}
