package source

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// limits on a repository. Labs are text: these limits are far above a course's needs, and any machine bears them
// easily.
type limits struct {
	// packBytes bounds the size of a received pack.
	packBytes int64
	// objects bounds the number of objects in the pack: files, folders and commits.
	objects uint32
	// objectBytes bounds the unpacked size of one object, and inflatedBytes that of all objects.
	objectBytes, inflatedBytes int64
	// entries bounds the number of entries in all folders that are looked into for labs.
	entries int
	// keptBytes bounds the size of all labs together.
	keptBytes int64
}

func defaultLimits() limits {
	return limits{packBytes: 256 << 20, objects: 50_000, objectBytes: 64 << 20, inflatedBytes: 1 << 30, entries: 20_000, keptBytes: 64 << 20}
}

// tooBig says which limit a repository exceeds.
type tooBig struct{ en, ja string }

func (t tooBig) Error() string { return t.en }

// packHeader is the length of "PACK", a version and the number of objects (gitformat-pack).
const packHeader = 12

// receive writes a pack to the file, and gives up on a pack that is too big as soon as its size can be told.
func (l limits) receive(pack io.Reader, file io.Writer) error {
	header := make([]byte, packHeader)
	if _, err := io.ReadFull(pack, header); err != nil {
		return fmt.Errorf("read the header of the pack: %w", err)
	}
	if n := binary.BigEndian.Uint32(header[8:]); n > l.objects {
		return tooBig{
			fmt.Sprintf("it has %d files and folders, more than %d", n, l.objects),
			fmt.Sprintf("ファイルとフォルダーが %d 個あり、上限の %d 個を超えています", n, l.objects),
		}
	}
	if _, err := file.Write(header); err != nil {
		return err
	}
	n, err := io.Copy(file, io.LimitReader(pack, l.packBytes+1-packHeader))
	if err == nil && n+packHeader > l.packBytes {
		err = tooBig{
			fmt.Sprintf("it is larger than %d MiB", l.packBytes>>20),
			fmt.Sprintf("%d MiB を超えています", l.packBytes>>20),
		}
	}
	return err
}

// vet reads through a pack without keeping any of it, and refuses a pack that would not stay small when it is unpacked.
func (l limits) vet(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	scanner := packfile.NewScanner(f)
	_, objects, err := scanner.Header()
	if err != nil {
		return err
	}
	left := l.inflatedBytes
	for range objects {
		if err := ctx.Err(); err != nil {
			return err
		}
		size, err := l.sizeOfNext(scanner)
		if err != nil {
			return err
		}
		if left -= size; left < 0 {
			return tooBig{
				fmt.Sprintf("it is larger than %d MiB when it is unpacked", l.inflatedBytes>>20),
				fmt.Sprintf("展開すると %d MiB を超えます", l.inflatedBytes>>20),
			}
		}
	}
	return nil
}

// sizeOfNext returns the unpacked size of the next object. For a delta it is the size of the object that the delta
// makes.
func (l limits) sizeOfNext(scanner *packfile.Scanner) (int64, error) {
	h, err := scanner.NextObjectHeader()
	if err != nil {
		return 0, err
	}
	if h.Length > l.objectBytes {
		return 0, l.bigObject(h.Length)
	}
	if h.Type != plumbing.OFSDeltaObject && h.Type != plumbing.REFDeltaObject {
		_, _, err := scanner.NextObject(io.Discard)
		return h.Length, err
	}
	var begin prefix
	if _, _, err := scanner.NextObject(&begin); err != nil {
		return 0, err
	}
	_, used := binary.Uvarint(begin.kept) // the size of the object to which the delta is applied
	if used <= 0 {
		return 0, errDelta
	}
	made, n := binary.Uvarint(begin.kept[used:])
	if n <= 0 {
		return 0, errDelta
	}
	if made > uint64(l.objectBytes) {
		return 0, l.bigObject(int64(min(made, 1<<62)))
	}
	return h.Length + int64(made), nil
}

var errDelta = errors.New("the pack holds a malformed delta")

func (l limits) bigObject(size int64) error {
	return tooBig{
		fmt.Sprintf("it has a file of %d MiB, more than %d MiB", size>>20, l.objectBytes>>20),
		fmt.Sprintf("%d MiB のファイルがあり、上限の %d MiB を超えています", size>>20, l.objectBytes>>20),
	}
}

// prefix keeps the first bytes that are written to it. Those of a delta are the sizes of both objects.
type prefix struct{ kept []byte }

func (p *prefix) Write(data []byte) (int, error) {
	if room := 2*binary.MaxVarintLen64 - len(p.kept); room > 0 {
		p.kept = append(p.kept, data[:min(room, len(data))]...)
	}
	return len(data), nil
}
