package history

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// SegmentName returns the name of the n-th file of a record. Files sorted by name are sorted by age. Each file begins
// with all objects that exist, so that older files can be removed. A full file is compressed, and then has the same
// name with CompressedSuffix.
func SegmentName(n int) string { return fmt.Sprintf("watch-%08d.jsonl", n) }

// CompressedSuffix is the suffix of files compressed with gzip (RFC 1952).
const CompressedSuffix = ".gz"

// Segments lists the files of the record in dir, oldest first. While a file is being compressed, it lists the plain
// one.
func Segments(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "watch-*.jsonl"))
	if err != nil {
		return nil, err
	}
	compressed, err := filepath.Glob(filepath.Join(dir, "watch-*.jsonl"+CompressedSuffix))
	if err != nil {
		return nil, err
	}
	for _, path := range compressed {
		if !slices.Contains(paths, strings.TrimSuffix(path, CompressedSuffix)) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// openSegment opens a file of a record for reading, compressed or not.
func openSegment(path string) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if err != nil || !strings.HasSuffix(path, CompressedSuffix) {
		return file, err
	}
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &compressedSegment{plain, file}, nil
}

type compressedSegment struct {
	io.Reader
	file *os.File
}

func (c *compressedSegment) Close() error { return c.file.Close() }

// mostListings bounds how often the files of a record are listed again because one was compressed or removed meanwhile.
const mostListings = 5

// readRecords reads what a timeline since the given time needs: all records since then, and from before only the last
// record about each object, and all gaps. It skips an unfinished last line, which is still being written. If there is
// no record, the error is ErrNotRecorded.
func readRecords(ctx context.Context, dir string, since time.Time) (records []Record, err error) {
	for range mostListings {
		records, err = readSegments(ctx, dir, since)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return records, err
}

func readSegments(ctx context.Context, dir string, since time.Time) ([]Record, error) {
	paths, err := Segments(dir)
	if err != nil {
		return nil, err
	}
	// Begin with the last file that begins before since. A file that is still empty has no beginning.
	for len(paths) > 1 {
		begin, err := beginOf(paths[1])
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if err != nil || begin.After(since) {
			break
		}
		paths = paths[1:]
	}
	r := reading{since: since, before: map[string][]byte{}}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.read(path); err != nil {
			return nil, err
		}
	}
	if len(r.records) == 0 && len(r.before) == 0 {
		return nil, ErrNotRecorded
	}
	return r.all()
}

// beginOf returns the time of the first record of a file.
func beginOf(path string) (time.Time, error) {
	file, err := openSegment(path)
	if err != nil {
		return time.Time{}, err
	}
	defer file.Close()
	line, err := bufio.NewReaderSize(file, 64<<10).ReadSlice('\n')
	if err != nil {
		return time.Time{}, err
	}
	return timeOf(line)
}

// reading is a record that is being read. Of a record's lines most are skipped, so a line is decoded only if it is
// needed.
type reading struct {
	since time.Time
	// before holds the last line about each object, by UID.
	before  map[string][]byte
	records []Record
}

func (r *reading) read(path string) error {
	file, err := openSegment(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		line, _, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.take(bytes.TrimSpace(line)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
}

func (r *reading) take(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	at, err := timeOf(line)
	if err != nil {
		return err
	}
	if uid := uidOf(line); uid != "" && at.Before(r.since) {
		r.before[uid] = line
		return nil
	}
	return r.decode(line)
}

func (r *reading) decode(line []byte) error {
	var record Record
	if err := json.Unmarshal(line, &record); err != nil {
		return err
	}
	r.records = append(r.records, record)
	return nil
}

// all returns the last records from before since, and then the records since.
func (r *reading) all() ([]Record, error) {
	after := r.records
	r.records = nil
	for _, line := range r.before {
		if err := r.decode(line); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.records, func(a, b Record) int { return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.UID, b.UID)) })
	return append(r.records, after...), nil
}

const timeField, uidField = `{"t":"`, `"uid":"`

// timeOf reads the time of a line without decoding it.
func timeOf(line []byte) (time.Time, error) {
	rest, ok := bytes.CutPrefix(line, []byte(timeField))
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 {
		return time.Time{}, errors.New("a line is no record")
	}
	return time.Parse(time.RFC3339Nano, string(rest[:end]))
}

// uidOf reads the UID of a line without decoding it; empty for a line that is not about an object.
func uidOf(line []byte) string {
	_, rest, ok := bytes.Cut(line, []byte(uidField))
	end := bytes.IndexByte(rest, '"')
	if !ok || end < 0 {
		return ""
	}
	return string(rest[:end])
}
