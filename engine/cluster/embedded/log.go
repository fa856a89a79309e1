package embedded

import (
	"bytes"
	"io"
	"log/slog"
	"os"
)

// discardLog is for what Provider does itself; the supervisor has a log file.
var discardLog = slog.New(slog.DiscardHandler)

// lastLine returns the last line of a log, or a word for an empty one.
func lastLine(path string) string {
	const window = 4096
	f, err := os.Open(path)
	if err != nil {
		return "no log"
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > window {
		if _, err := f.Seek(-window, io.SeekEnd); err != nil {
			return "no log"
		}
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		return "no log"
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	if last := lines[len(lines)-1]; len(last) > 0 {
		return string(last)
	}
	return "the log is empty"
}
