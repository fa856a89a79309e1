package progress

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/flock"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// Journal is an append-only file of events, one JSON object a line. Any number of processes may append and read at
// the same time. The file is never rewritten, so fields and kinds that a newer k8slab wrote stay in it.
type Journal struct {
	path string

	mu     sync.Mutex
	healed []Damage
}

// Damage is a part of the journal that is not an event.
type Damage struct {
	// Path of the file that holds it now: the journal, or the file beside it into which a torn line was set aside.
	Path string `json:"path"`
	// Line counts from 1. It is zero for a line that was set aside.
	Line int `json:"line,omitempty"`
	// Reason in a few technical words.
	Reason string `json:"reason"`
}

// NewID returns an id that no other event has.
func NewID() string { return rand.Text() }

// Open returns the journal at path, and makes it and its folder if they do not exist: readable by their owner only.
// A line that a crash left unfinished is set aside. The error is a [problem.Problem].
func Open(path string) (*Journal, error) {
	j := &Journal{path: path}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, notWritable(filepath.Dir(path), err)
	}
	f, release, err := j.lock()
	if err != nil {
		return nil, err
	}
	defer release()
	if _, err := j.heal(f); err != nil {
		return nil, err
	}
	return j, nil
}

// Path of the journal.
func (j *Journal) Path() string { return j.path }

// DamagedPath is where torn lines are set aside.
func (j *Journal) DamagedPath() string { return j.path + ".damaged" }

// Append adds the event as one line, under an exclusive lock and in one write, and returns when it is on the disk.
// An empty ID, and a zero Time, are filled in. After an error the journal is as it was. The error is a
// [problem.Problem].
func (j *Journal) Append(e Event) error {
	if e.ID == "" {
		e.ID = NewID()
	}
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding an event of kind %q: %w", e.Kind, err)
	}
	line = append(line, '\n')

	f, release, err := j.lock()
	if err != nil {
		return err
	}
	defer release()
	end, err := j.heal(f)
	if err != nil {
		return err
	}
	return j.write(f, end, line)
}

// write adds the line at end. If the line cannot be written as a whole, write takes back the part that was written.
func (j *Journal) write(f *os.File, end int64, line []byte) error {
	_, err := f.WriteAt(line, end)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		return nil
	}
	// Should this fail too, the next Append sets the torn line aside.
	if terr := f.Truncate(end); terr != nil {
		err = errors.Join(err, terr)
	}
	return j.writeFailed(err)
}

func (j *Journal) writeFailed(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return problem.New(problem.Internal,
			text.New("the disk is full: your progress could not be written to %s; nothing that was there before is lost", "ディスクに空きがないため、進み具合を %s に書けませんでした。これまでの記録は失われていません", j.path),
			action.InTerminal("df -h "+shellescape.Quote(filepath.Dir(j.path)))).From(err)
	}
	return notWritable(j.path, err)
}

// heal finishes or sets aside a last line that has no newline, and returns where the journal ends.
func (j *Journal) heal(f *os.File) (int64, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, notWritable(j.path, err)
	}
	begin, err := beginOfLastLine(f, end)
	if err != nil {
		return 0, notWritable(j.path, err)
	}
	if begin == end {
		return end, nil
	}
	torn := make([]byte, end-begin)
	if _, err := f.ReadAt(torn, begin); err != nil {
		return 0, notWritable(j.path, err)
	}
	if _, err := decode(torn); err == nil {
		// Only the newline is missing: the event is whole.
		if _, err := f.WriteAt([]byte("\n"), end); err != nil {
			return 0, j.writeFailed(err)
		}
		return end + 1, nil
	}
	if err := j.setAside(torn); err != nil {
		return 0, err
	}
	if err := f.Truncate(begin); err != nil {
		return 0, j.writeFailed(err)
	}
	return begin, nil
}

// setAside keeps a torn line in the file beside the journal.
func (j *Journal) setAside(torn []byte) error {
	f, err := os.OpenFile(j.DamagedPath(), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return notWritable(j.DamagedPath(), err)
	}
	_, err = f.Write(append(bytes.Clone(torn), '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return j.writeFailed(err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.healed = append(j.healed, Damage{Path: j.DamagedPath(), Reason: "a line that was not completely written was set aside"})
	return nil
}

// Read returns the events in the order in which they were appended, and the parts of the journal that are not events.
// Damage is never an error: whole events beside it are still read. The error is a [problem.Problem].
func (j *Journal) Read() ([]Event, []Damage, error) {
	data, err := j.readAll()
	if errors.Is(err, os.ErrNotExist) {
		data, err = nil, nil
	}
	if err != nil {
		return nil, nil, problem.New(problem.Internal,
			text.New("your progress cannot be read from %s: %v", "進み具合を %s から読めません: %v", j.path, cause(err)),
			action.InTerminal("ls -ld "+shellescape.Quote(j.path))).From(err)
	}
	j.mu.Lock()
	damage := append([]Damage(nil), j.healed...)
	j.mu.Unlock()
	var events []Event
	for n := 1; len(data) > 0; n++ {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		e, err := decode(line)
		if err != nil {
			damage = append(damage, Damage{Path: j.path, Line: n, Reason: err.Error()})
			continue
		}
		events = append(events, e)
	}
	return events, damage, nil
}

func decode(line []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(line, &e); err != nil {
		return Event{}, err
	}
	if e.Kind == "" {
		return Event{}, errors.New("no kind")
	}
	return e, nil
}

// beginOfLastLine returns the offset after the last newline before end, reading backwards.
func beginOfLastLine(r io.ReaderAt, end int64) (int64, error) {
	const block = 4096
	buf := make([]byte, block)
	for at := end; at > 0; {
		n := min(at, block)
		at -= n
		if _, err := r.ReadAt(buf[:n], at); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return at + int64(i) + 1, nil
		}
	}
	return 0, nil
}

// readAll returns what the file holds while nobody appends.
func (j *Journal) readAll() ([]byte, error) {
	release, err := flock.Shared(j.path)
	if err != nil {
		return nil, err
	}
	defer release()
	return os.ReadFile(j.path)
}

// lock opens the journal for this process alone, until release. The lock is on the journal itself and not on a file
// beside it, because that is where every earlier version, which may write to the same journal, looks for it.
func (j *Journal) lock() (f *os.File, release func(), err error) {
	unlock, err := flock.Exclusive(j.path)
	if err != nil {
		return nil, nil, notWritable(j.path, err)
	}
	f, err = os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		unlock()
		return nil, nil, notWritable(j.path, err)
	}
	return f, func() { f.Close(); unlock() }, nil
}

func notWritable(path string, err error) error {
	return problem.New(problem.Internal,
		text.New("your progress cannot be saved: %s cannot be written (%v); XDG_STATE_HOME chooses another folder", "進み具合を記録できません。%s に書き込めません (%v)。XDG_STATE_HOME で別のフォルダーを選べます", path, cause(err)),
		action.InTerminal("ls -ld "+shellescape.Quote(filepath.Dir(path)))).From(err)
}

// cause is err without the path, which the message names already.
func cause(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}
