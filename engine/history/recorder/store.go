package recorder

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/k8slab/k8slab/engine/atomicfile"
	"github.com/k8slab/k8slab/engine/history"
)

const (
	// maxSegment is how large a file grows, in bytes. Then the next file is begun, and the full one is compressed to a
	// tenth or less.
	maxSegment = 4 << 20
	// maxRecord bounds all files of a record together, in bytes.
	maxRecord = 64 << 20
	// alive is a file that is touched every second, so that the end of a recorder that was killed is known.
	alive = "alive"
	// damaged is a file that takes the half lines which a killed recorder left.
	damaged = "damaged"
	// pauseOf is how long nothing may be heard of the recorder before that counts as a gap: the recorder was stopped,
	// or the machine slept.
	pauseOf = 3 * time.Second
)

// store is the files of a record, and what they say so far. It is not safe for concurrent use.
type store struct {
	dir string
	now func() time.Time
	// maxSegment and maxRecord are the constants, except in tests.
	maxSegment, maxRecord int64

	number int
	file   *os.File
	size   int64
	// last is the time of the last record; beat is the time of the last sign of life.
	last, beat time.Time
	// written is the last record about each object that exists.
	written map[string]*history.Record
	// reached is the highest version that was written of each kind.
	reached map[string]uint64
	// watched holds the kinds whose record has begun. lost holds the kinds whose record is broken off, with the time
	// since when.
	watched map[string]bool
	lost    map[string]time.Time
}

// openStore continues the record in dir, or begins one. The kinds that an earlier recorder watched are lost since that
// recorder was last alive.
func openStore(dir string, now func() time.Time) (*store, error) {
	s := &store{
		dir: dir, now: now, maxSegment: maxSegment, maxRecord: maxRecord,
		written: map[string]*history.Record{}, reached: map[string]uint64{}, watched: map[string]bool{}, lost: map[string]time.Time{},
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	paths, err := history.Segments(dir)
	if err != nil {
		return nil, err
	}
	s.beat = s.clock()
	if len(paths) == 0 {
		return s, s.begin(1)
	}
	latest := paths[len(paths)-1]
	if _, err := fmt.Sscanf(filepath.Base(latest), "watch-%d.jsonl", &s.number); err != nil {
		return nil, fmt.Errorf("%s: %w", latest, err)
	}
	if err := s.recover(latest); err != nil {
		return nil, err
	}
	until := s.last
	if info, err := os.Stat(filepath.Join(dir, alive)); err == nil && info.ModTime().After(until) {
		until = info.ModTime()
	}
	for kind := range s.watched {
		if _, already := s.lost[kind]; !already {
			s.lost[kind] = until
		}
	}
	s.file, err = os.OpenFile(latest, os.O_WRONLY|os.O_APPEND, 0o600)
	return s, err
}

// recover reads the last file, which begins with all that existed, and sets aside an unfinished last line.
func (s *store) recover(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return s.setAside(path, line)
		}
		if err != nil {
			return err
		}
		s.size += int64(len(line))
		var r history.Record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		s.remember(&r)
	}
}

func (s *store) setAside(path string, half []byte) error {
	if len(half) == 0 {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(s.dir, damaged), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(bytes.Clone(half), '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Truncate(path, s.size)
}

// remember takes a record that has been written into account.
func (s *store) remember(r *history.Record) {
	s.last = r.Time
	s.reached[r.Kind] = max(s.reached[r.Kind], r.Version)
	switch r.Event {
	case history.Watched:
		s.watched[r.Kind] = true
	case history.Lost:
		if s.lost[r.Kind] = r.Time; !r.From.IsZero() {
			s.lost[r.Kind] = r.From
		}
	case history.Missing, history.Late:
		delete(s.lost, r.Kind)
	case history.Deleted:
		delete(s.written, r.UID)
	default:
		kept := *r
		s.written[r.UID] = &kept
	}
}

// begin starts the n-th file with all objects that exist, and removes the oldest files beyond the bound.
func (s *store) begin(n int) error {
	file, err := os.OpenFile(filepath.Join(s.dir, history.SegmentName(n)), os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	before := s.file
	s.number, s.file, s.size = n, file, 0
	var head []history.Record
	for _, kind := range slices.Sorted(maps.Keys(s.watched)) {
		head = append(head, history.Record{Event: history.Watched, Kind: kind})
		if from, lost := s.lost[kind]; lost {
			head = append(head, history.Record{Event: history.Lost, Kind: kind, From: from})
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(s.written)) {
		found := *s.written[uid]
		found.Event, found.Missed = history.Found, false
		head = append(head, found)
	}
	// In one write: a reader finds the whole head, or, in an older file, all that the head says.
	if err := s.write(head...); err != nil {
		return err
	}
	if before != nil {
		if err := before.Close(); err != nil {
			return err
		}
	}
	return s.tidy()
}

// tidy compresses the full files, and removes the oldest files beyond the bound.
func (s *store) tidy() error {
	paths, err := history.Segments(s.dir)
	if err != nil {
		return err
	}
	older := paths[:len(paths)-1]
	left := s.maxRecord - s.maxSegment // leaves room for the file that is being written
	for i := len(older) - 1; i >= 0; i-- {
		path, err := compress(older[i])
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if left -= info.Size(); left >= 0 {
			continue
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// compress returns the path of the compressed file. At any time there is a whole file under one of the two names.
func compress(path string) (string, error) {
	if strings.HasSuffix(path, history.CompressedSuffix) {
		return path, nil
	}
	plain, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer plain.Close()
	to := path + history.CompressedSuffix
	err = atomicfile.Stream(to, atomicfile.Private, func(w io.Writer) error {
		zip := gzip.NewWriter(w)
		_, err := io.Copy(zip, plain)
		return errors.Join(err, zip.Close())
	})
	if err != nil {
		return "", err
	}
	return to, os.Remove(path)
}

// add writes records of this moment. If nothing was heard of the recorder for a while, add first records that: what the
// recorder learns now may have happened any time since.
func (s *store) add(records ...history.Record) error {
	if err := s.alive(); err != nil {
		return err
	}
	if s.size >= s.maxSegment {
		if err := s.begin(s.number + 1); err != nil {
			return err
		}
	}
	return s.write(records...)
}

// alive notes a sign of life, and records a pause if the last one is too long ago.
func (s *store) alive() error {
	before := s.beat
	if s.beat = s.clock(); s.beat.Sub(before) < pauseOf {
		return nil
	}
	return s.write(history.Record{Event: history.Late, From: before})
}

// write gives all records the same time. If somebody has set the clock back, that is the time of the last record.
func (s *store) write(records ...history.Record) error {
	at := s.clock()
	if at.Before(s.last) {
		at = s.last
	}
	var lines bytes.Buffer
	for i := range records {
		records[i].Time = at
		line, err := json.Marshal(&records[i])
		if err != nil {
			return err
		}
		lines.Write(append(line, '\n'))
	}
	n, err := s.file.Write(lines.Bytes())
	if err != nil {
		// Remove the part that was written, so that the next record begins where a line begins.
		return errors.Join(err, s.file.Truncate(s.size))
	}
	s.size += int64(n)
	for i := range records {
		s.remember(&records[i])
	}
	return nil
}

// clock returns the time of the wall clock: the monotonic clock stops while a machine sleeps.
func (s *store) clock() time.Time { return s.now().UTC().Round(0) }

// touch leaves a sign of life on the disk.
func (s *store) touch() error {
	path := filepath.Join(s.dir, alive)
	now := s.clock()
	err := os.Chtimes(path, now, now)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Chtimes(path, now, now)
}

func (s *store) close() error { return errors.Join(s.touch(), s.file.Close()) }
