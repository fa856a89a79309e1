package content

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/k8slab/k8slab/text"
)

const (
	labFile  = "lab.yaml"
	stepFile = "step.yaml"
	setupDir = "setup"
)

// LoadAll loads every lab of fsys, which is every folder at its top that has a lab.yaml or folders with a step.yaml.
// It returns the labs that are flawless in the order of their ids, and all that is wrong with the others as Errors.
func LoadAll(fsys fs.FS) ([]*Lab, error) {
	dirs, err := Find(fsys)
	if err != nil {
		return nil, err
	}
	found := &faults{}
	var labs []*Lab
	for _, dir := range dirs {
		lab, err := Load(fsys, dir)
		if wrong, ok := errors.AsType[Errors](err); ok {
			found.list = append(found.list, wrong...)
			continue
		}
		if err != nil {
			return nil, err
		}
		labs = append(labs, lab)
	}
	slices.SortFunc(labs, func(a, b *Lab) int { return cmp.Compare(a.ID, b.ID) })
	return labs, found.err()
}

// Find names the folders at the top of fsys that are labs, broken ones included, in order. A folder with more than a
// thousand entries is not a folder of labs; the error is then Errors.
func Find(fsys fs.FS) ([]string, error) {
	entries, tooMany, err := readFolder(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("list the labs: %w", err)
	}
	if tooMany {
		return nil, Errors{{Position: Position{File: "."}, Problem: fmt.Sprintf("the folder has more than %d entries", maxFolder),
			Fix: "name the folder that holds the labs"}}
	}
	var dirs []string
	for _, entry := range entries {
		if !hidden(entry.Name()) && entry.IsDir() && LooksLikeLab(fsys, entry.Name()) {
			dirs = append(dirs, entry.Name())
		}
	}
	return dirs, nil
}

// IsLab reports whether fsys is itself the folder of a lab.
func IsLab(fsys fs.FS) bool {
	info, err := fs.Lstat(fsys, labFile)
	return err == nil && !info.IsDir()
}

// LooksLikeLab reports whether the folder dir of fsys is meant to be a lab: it has a lab.yaml, or a folder with a
// step.yaml.
func LooksLikeLab(fsys fs.FS, dir string) bool {
	entries, tooMany, err := readFolder(fsys, dir)
	if err != nil {
		return false
	}
	there := func(name string) bool {
		_, err := fs.Lstat(fsys, path.Join(dir, name))
		return err == nil
	}
	if there(labFile) || there("lab.yml") {
		return true
	}
	return !tooMany && slices.ContainsFunc(entries, func(entry fs.DirEntry) bool {
		return entry.IsDir() && there(path.Join(entry.Name(), stepFile))
	})
}

// Load loads the lab in the folder dir of fsys. What is wrong with it comes back as Errors, all of it at once; any
// other error is about reading fsys. The lab's id must be the folder's name, unless dir is ".", whose name nobody
// knows.
func Load(fsys fs.FS, dir string) (*Lab, error) {
	lab, wrong, err := Read(fsys, dir)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return lab, nil
}

// Reload is Load for a lab that was loaded before, and whose starting states are there already: the objects of its
// set-up are not looked through again, and of its answers only the solution is read.
func Reload(fsys fs.FS, dir string) (*Lab, error) {
	lab, wrong, err := read(fsys, dir, true)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return lab, nil
}

// Read is Load for a caller that goes on with a broken lab. It returns what is wrong, and as much of the lab as could
// be read, in which anything may be missing. The error is about reading fsys.
func Read(fsys fs.FS, dir string) (*Lab, Errors, error) { return read(fsys, dir, false) }

func read(fsys fs.FS, dir string, again bool) (*Lab, Errors, error) {
	info, err := fs.Lstat(fsys, dir)
	if err != nil {
		return nil, nil, fmt.Errorf("open the lab: %w", err)
	}
	found := &faults{}
	if !info.IsDir() {
		found.add(Position{File: dir}, "", "a lab is a folder, and this is not one", "name the folder that holds lab.yaml")
		return &Lab{}, found.list, nil
	}
	l := &loader{fsys: fsys, dir: dir, found: found, budget: &budget{}, again: again}
	lab, err := l.load()
	if err != nil {
		return nil, nil, fmt.Errorf("read the lab %s: %w", dir, err)
	}
	return lab, found.list.Sorted(), nil
}

// loader reads one lab. Its methods add what is wrong with the lab to found, and go on; an error that they return is
// about reading.
type loader struct {
	fsys  fs.FS
	dir   string
	found *faults
	// again: the lab was loaded before; see Reload.
	again bool
	// budget is what has been read so far, by all loaders of the lab.
	budget *budget
}

// budget counts the files and bytes of a lab.
type budget struct {
	mu           sync.Mutex
	files, bytes int
}

// spend counts one more file. It reports whether the lab is still within its limits, and whether it is this file that
// exceeds them.
func (b *budget) spend(bytes int) (within, exceeded bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.files <= maxLabFiles && b.bytes <= maxLabBytes
	b.files++
	b.bytes += bytes
	within = b.files <= maxLabFiles && b.bytes <= maxLabBytes
	return within, before && !within
}

// stepDir matches the name of a step's folder: a number that gives the order, and the step's id.
var stepDir = regexp.MustCompile(`^(\d{2})-([a-z0-9]+(?:-[a-z0-9]+)*)$`)

func (l *loader) load() (*Lab, error) {
	root, err := l.list("")
	if err != nil {
		return nil, err
	}
	lab := &Lab{dir: l.dir}
	if lab.FS, err = fs.Sub(l.fsys, l.dir); err != nil {
		return nil, err
	}
	if err := l.loadLabFile(root, lab); err != nil {
		return nil, err
	}
	numbers, ids := map[string]string{}, map[string]string{}
	var steps []*stepLoad
	for _, name := range root.dirs {
		if name == setupDir {
			if lab.Setup, err = l.loadSetup(setupDir); err != nil {
				return nil, err
			}
			continue
		}
		match := stepDir.FindStringSubmatch(name)
		if match == nil {
			l.fault(name, "", "the folder is no step", "name it by number and id, such as 10-drain, "+orMean(name, []string{setupDir}))
			continue
		}
		l.unique(numbers, match[1], name, "the step number "+match[1])
		l.unique(ids, match[2], name, "the step id "+match[2])
		steps = append(steps, &stepLoad{dir: name, id: match[2]})
	}
	if lab.Steps, err = l.loadSteps(steps); err != nil {
		return nil, err
	}
	l.unknownFiles(root, []string{labFile, setupDir})
	if len(lab.Steps) == 0 {
		l.fault("", "", "the lab has no steps", "add a folder such as 10-first with a step.yaml")
	}
	return lab, nil
}

// stepLoad is the loading of one step, and what came of it.
type stepLoad struct {
	dir, id string
	found   faults
	step    *Step
	err     error
}

// loadSteps loads the steps side by side, as many at a time as there are processors.
func (l *loader) loadSteps(all []*stepLoad) ([]*Step, error) {
	var loading sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, one := range all {
		loading.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			own := &loader{fsys: l.fsys, dir: l.dir, found: &one.found, budget: l.budget, again: l.again}
			one.step, one.err = own.loadStep(one.dir, one.id)
		})
	}
	loading.Wait()
	var steps []*Step
	for _, one := range all {
		if one.err != nil {
			return nil, one.err
		}
		l.found.list = append(l.found.list, one.found.list...)
		steps = append(steps, one.step)
	}
	return steps, nil
}

// unique records that name uses value, and adds a fault if another name uses it already.
func (l *loader) unique(seen map[string]string, value, name, what string) {
	if first, taken := seen[value]; taken {
		l.fault(name, "", fmt.Sprintf("%s is taken by %s", what, first), "choose another one")
		return
	}
	seen[value] = name
}

func orMean(name string, candidates []string) string {
	if near, ok := text.Nearest(name, candidates); ok {
		return fmt.Sprintf("or did you mean %q?", near)
	}
	return "or remove it"
}

// stepFiles are what a step's folder may hold; folders without their slash.
var stepFiles = [...]string{stepFile, "en.md", "ja.md", setupDir, "solution.sh", "also-right", "wrong"}

func (l *loader) loadStep(dir, id string) (*Step, error) {
	entries, err := l.list(dir)
	if err != nil {
		return nil, err
	}
	step := &Step{ID: id, Dir: dir, Lessons: map[text.Lang]*Lesson{}}
	if err := l.loadStepFile(entries, dir, step); err != nil {
		return nil, err
	}
	if err := l.loadLessons(entries, dir, step); err != nil {
		return nil, err
	}
	if slices.Contains(entries.dirs, setupDir) {
		if step.Setup, err = l.loadSetup(path.Join(dir, setupDir)); err != nil {
			return nil, err
		}
	}
	if err := l.loadAnswers(entries, dir, step); err != nil {
		return nil, err
	}
	l.unknownDirs(entries, dir)
	l.unknownFiles(entries, stepFiles[:])
	return step, nil
}

func (l *loader) loadLessons(entries listing, dir string, step *Step) error {
	parsed := map[text.Lang]lesson{}
	for _, lang := range text.Langs {
		name := string(lang) + ".md"
		if !slices.Contains(entries.files, name) {
			l.fault(path.Join(dir, name), "", "the lesson is missing", "write it in English and in Japanese")
			continue
		}
		file, ok, err := l.read(path.Join(dir, name))
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if one, ok := parseLesson(l.path(file.Path), file.Data, len(step.Hints), l.found); ok {
			parsed[lang] = one
			step.Lessons[lang] = one.value(len(step.Hints))
		}
	}
	en, hasEN := parsed[text.English]
	ja, hasJA := parsed[text.Japanese]
	if hasEN && hasJA {
		compareLessons(en, ja, l.found)
	}
	return nil
}

func (l *loader) unknownDirs(entries listing, dir string) {
	known := []string{setupDir, "also-right", "wrong"}
	for _, name := range entries.dirs {
		if !slices.Contains(known, name) {
			l.fault(path.Join(dir, name), "", "a step has no such folder", didYouMean(name, known))
		}
	}
}

func (l *loader) unknownFiles(entries listing, known []string) {
	for _, name := range entries.files {
		if !slices.Contains(known, name) {
			l.fault(path.Join(entries.dir, name), "", "there is no such file in a lab", didYouMean(name, known))
		} else if !strings.Contains(name, ".") {
			l.fault(path.Join(entries.dir, name), "", "this is a file and should be a folder", "make it a folder")
		}
	}
}
