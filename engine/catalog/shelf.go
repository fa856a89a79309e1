package catalog

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Shelf holds the labs that came with k8slab.
type Shelf interface {
	// IDs lists the ids of the labs, in order, without reading the labs.
	IDs() ([]string, error)
	// Load reads the lab of that id. For an id that no lab has the error is fs.ErrNotExist; for a lab that is broken it
	// is content.Errors.
	Load(id string) (*content.Lab, error)
	// Reload is Load for a lab whose attempt is under way: see content.Reload.
	Reload(id string) (*content.Lab, error)
}

// Folder is the shelf of a folder that holds one folder for each lab.
func Folder(fsys fs.FS) Shelf { return folder{fsys} }

type folder struct{ fsys fs.FS }

func (f folder) IDs() ([]string, error) { return content.Find(f.fsys) }

func (f folder) Load(id string) (*content.Lab, error) { return f.load(id, content.Load) }

func (f folder) Reload(id string) (*content.Lab, error) { return f.load(id, content.Reload) }

func (f folder) load(id string, load func(fs.FS, string) (*content.Lab, error)) (*content.Lab, error) {
	if !content.IsID(id) || !content.LooksLikeLab(f.fsys, id) {
		return nil, fs.ErrNotExist
	}
	return load(f.fsys, id)
}

// Loaded is the shelf of labs that have been read already.
func Loaded(labs ...*content.Lab) Shelf { return loaded(labs) }

type loaded []*content.Lab

func (l loaded) IDs() ([]string, error) {
	ids := make([]string, len(l))
	for i, lab := range l {
		ids[i] = lab.ID
	}
	return ids, nil
}

func (l loaded) Load(id string) (*content.Lab, error) {
	i := slices.IndexFunc(l, func(lab *content.Lab) bool { return lab.ID == id })
	if i < 0 {
		return nil, fs.ErrNotExist
	}
	return l[i], nil
}

func (l loaded) Reload(id string) (*content.Lab, error) { return l.Load(id) }

// LoadAll reads all labs of the shelf. All that is wrong with any of them comes back as one problem.
func LoadAll(shelf Shelf) ([]*content.Lab, error) {
	ids, err := shelf.IDs()
	if err != nil {
		return nil, readable(err)
	}
	var all []*content.Lab
	var wrong content.Errors
	for _, id := range ids {
		lab, err := shelf.Load(id)
		if faults, ok := errors.AsType[content.Errors](err); ok {
			wrong = append(wrong, faults...)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the lab %s: %w", id, err)
		}
		all = append(all, lab)
	}
	if len(wrong) > 0 {
		return nil, readable(wrong)
	}
	return all, nil
}

// readable turns content's list of errors into a problem. Each of the errors has its file, its line and what to do.
func readable(err error) error {
	if _, ok := errors.AsType[content.Errors](err); ok {
		return problem.New(problem.Content, text.Plain(err.Error()), action.Action{}).From(err)
	}
	return err
}
