package history

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// mostRequests bounds memory: about 20 MB. Beyond it the oldest requests are forgotten.
	mostRequests = 50_000
	// longestLine is well above what the API server accepts as a request body (3 MB).
	longestLine = 16 << 20
	// mostPasses bounds the wait for a moment in which no file comes, goes or is renamed.
	mostPasses = 8
)

// Log is the Reader over the audit log of one API server: JSON lines of audit.k8s.io/v1, uncompressed, in one file and
// its rotated parts. It remembers how far it has read, so that the next question costs only what is new. It is safe for
// concurrent use, and one reading serves all who ask at the same time.
type Log struct {
	paths func(context.Context) ([]string, error)

	mu sync.Mutex
	// current is when the last reading began: all that was logged by then has been read.
	current time.Time
	tails   []*tail
	// requests in the order of the files.
	requests []Request
	// forgotten is the time of the latest request that did not fit into memory.
	forgotten time.Time
	damaged   int
}

// Open returns a Log of the files that paths lists. paths is called for each question: files may come, go and be
// renamed in between. Nothing is read yet.
func Open(paths func(ctx context.Context) ([]string, error)) *Log { return &Log{paths: paths} }

// Requests returns the requests that the query selects, oldest first. It returns ErrNotRecorded where there is no file,
// or where the log has been too long to remember the time since q.Since.
func (l *Log) Requests(ctx context.Context, q Query) ([]Request, error) {
	asked := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readUpTo(ctx, asked); err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	if len(l.tails) == 0 {
		return nil, ErrNotRecorded
	}
	if !l.forgotten.IsZero() && !q.Since.After(l.forgotten) {
		return nil, fmt.Errorf("%w: requests before %s were too many to keep", ErrNotRecorded, l.forgotten.Format("15:04:05"))
	}
	var selected []Request
	for _, r := range l.requests {
		if q.Selects(r) {
			selected = append(selected, r)
		}
	}
	slices.SortStableFunc(selected, func(a, b Request) int { return a.Time.Compare(b.Time) })
	return selected, nil
}

// Damaged counts the complete lines that are not audit events.
func (l *Log) Damaged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.damaged
}

// readUpTo reads all that was logged before asked, the moment of the question. While the question waited, the reading
// for another question may have done so already.
func (l *Log) readUpTo(ctx context.Context, asked time.Time) error {
	if l.current.After(asked) {
		return nil
	}
	began := time.Now()
	if err := l.catchUp(ctx); err != nil {
		return err
	}
	l.current = began
	return nil
}

// catchUp reads what is new, and does so again if the files themselves have changed: a file that is renamed between the
// listing and the opening is found, under its new name, only by the next listing. New lines are no reason to read
// again: a busy server always has more, and a listing may cost a command on another machine.
func (l *Log) catchUp(ctx context.Context) error {
	var missed []string
	for range mostPasses {
		current, fresh, missing, err := l.pass(ctx)
		if err != nil {
			return err
		}
		if !fresh && slices.Equal(missing, missed) {
			l.tails = current
			return nil
		}
		missed = missing
	}
	return nil
}

// pass reads what is new in each file that is listed now. fresh reports whether a file was not known before. missing
// names the files that could not be opened: removed, never made, or renamed and about to be listed under another name.
func (l *Log) pass(ctx context.Context) (current []*tail, fresh bool, missing []string, err error) {
	paths, err := l.paths(ctx)
	if err != nil {
		return nil, false, nil, err
	}
	for _, path := range paths {
		if err := ctx.Err(); err != nil {
			return nil, false, nil, err
		}
		t, known, err := l.follow(path)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, path)
			continue
		}
		if err != nil {
			return nil, false, nil, err
		}
		current, fresh = append(current, t), fresh || !known
	}
	return current, fresh, missing, nil
}

// follow reads what is new in one file, and reports whether the file was known before.
func (l *Log) follow(path string) (t *tail, known bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	t, known, err = l.tailOf(file)
	if err != nil {
		return nil, false, err
	}
	if !known {
		l.tails = append(l.tails, t)
	}
	return t, known, t.read(file, l.take)
}

// tailOf returns how far the file has been read. It recognizes the file by what the file is and not by its name.
func (l *Log) tailOf(file *os.File) (t *tail, known bool, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, false, err
	}
	for _, t := range l.tails {
		same, err := t.continues(file, info)
		if err != nil {
			return nil, false, err
		}
		if same {
			return t, true, nil
		}
	}
	return &tail{info: info}, false, nil
}

// take keeps the request of a line.
func (l *Log) take(line []byte) {
	r, keep, readable := parseLine(line)
	if !readable {
		l.damaged++
	}
	if !keep {
		return
	}
	l.requests = append(l.requests, r)
	if len(l.requests) > mostRequests {
		l.forget(mostRequests / 10)
	}
}

// forget drops the n oldest requests. It drops many at a time, so that it is rarely called.
func (l *Log) forget(n int) {
	slices.SortStableFunc(l.requests, func(a, b Request) int { return a.Time.Compare(b.Time) })
	l.forgotten = l.requests[n-1].Time
	l.requests = slices.Clone(l.requests[n:])
}

// tail is how far a file has been read.
type tail struct {
	info os.FileInfo
	// head is how the file begins: the inode number of a file that is gone may be given to another file.
	head []byte
	// offset of the first byte that has not been read; always at the start of a line.
	offset int64
}

const headLength = 256

// continues reports whether the file is the one that was read before, and still holds all that was read.
func (t *tail) continues(file *os.File, info os.FileInfo) (bool, error) {
	if !os.SameFile(t.info, info) || info.Size() < t.offset {
		return false, nil
	}
	head := make([]byte, len(t.head))
	if _, err := file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return bytes.Equal(head, t.head), nil
}

// read hands each complete line to take. It leaves an unfinished last line for the next time.
func (t *tail) read(file *os.File, take func([]byte)) error {
	if _, err := file.Seek(t.offset, io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewReaderSize(file, 64<<10)
	for {
		line, length, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return t.remember(file)
		}
		if err != nil {
			return err
		}
		t.offset += length
		if line = bytes.TrimSpace(line); len(line) > 0 {
			take(line)
		}
	}
}

func (t *tail) remember(file *os.File) error {
	if int64(len(t.head)) >= min(headLength, t.offset) {
		return nil
	}
	head := make([]byte, min(headLength, t.offset))
	if _, err := file.ReadAt(head, 0); err != nil {
		return err
	}
	t.head = head
	return nil
}

// readLine returns a complete line and its length in the file. Of a line that is longer than longestLine it returns
// only the start, which is then not an event.
func readLine(from *bufio.Reader) (line []byte, length int64, err error) {
	for {
		part, err := from.ReadSlice('\n')
		length += int64(len(part))
		if len(line) < longestLine {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, length, err
		}
	}
}
