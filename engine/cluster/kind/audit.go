package kind

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/k8slab/k8slab/engine/flock"
)

// auditTail prints the new parts of the audit log's files: for each file a line "inode length", and then that many
// bytes. Its arguments are the known parts, as "inode:offset". A file is opened before its inode is read, because the
// API server may rename it at any moment.
const auditTail = `cd ` + auditLogs + ` 2>/dev/null || exit 0
known=" $* "
for file in $(ls -tr audit*.log); do
  exec 3<"$file" || continue
  inode=$(stat -L -c %i /dev/fd/3)
  offset=0
  case $known in *" $inode:"*) offset=${known#*" $inode:"}; offset=${offset%% *};; esac
  length=$(($(stat -L -c %s /dev/fd/3) - offset))
  if [ $length -gt 0 ]; then
    echo "$inode $length"
    tail -c +$((offset + 1)) <&3 | head -c $length
  fi
done`

// AuditLog implements cluster.AuditLogFile. The API server's files belong to root, on a machine that may be a virtual
// one, so their new parts are copied here first.
func (p *Provider) AuditLog(ctx context.Context, name string) ([]string, error) {
	f := p.folder(name)
	d, err := f.readDescription()
	if err != nil {
		return nil, err
	}
	release, err := flock.Wait(ctx, f.path("audit.lock"))
	if err != nil {
		return nil, err
	}
	defer release()
	copies, err := f.auditCopies()
	if err != nil {
		return nil, err
	}
	e, err := locate(name)
	if err != nil {
		return nil, err
	}
	command := []string{"bash", "-c", auditTail, "audit"}
	for _, c := range copies {
		command = append(command, fmt.Sprintf("%s:%d", c.inode, c.size))
	}
	news, err := e.exec(ctx, f.machines(d.Spec)[0], command...)
	if err != nil {
		if containers, lookErr := e.containers(ctx, f.name()); lookErr == nil && !f.controlPlaneRuns(containers) {
			return f.auditPaths() // a machine that is off adds nothing to its log
		}
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	if err := f.addAudit(news, copies); err != nil {
		return nil, err
	}
	return f.auditPaths()
}

// auditCopy is a copy of one file of the audit log. The inode tells the files apart.
type auditCopy struct {
	path, inode string
	size        int64
}

// auditPaths returns the copies, oldest first: their names begin with a number.
func (f folder) auditPaths() ([]string, error) {
	return filepath.Glob(filepath.Join(f.audit(), "*-*.log"))
}

func (f folder) auditCopies() ([]auditCopy, error) {
	paths, err := f.auditPaths()
	if err != nil {
		return nil, err
	}
	var copies []auditCopy
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		_, inode, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".log"), "-")
		copies = append(copies, auditCopy{path: path, inode: inode, size: info.Size()})
	}
	return copies, nil
}

// addAudit appends the output of auditTail to the copies.
func (f folder) addAudit(news []byte, copies []auditCopy) error {
	if err := os.MkdirAll(f.audit(), 0o700); err != nil {
		return err
	}
	from := bufio.NewReader(bytes.NewReader(news))
	for next := len(copies) + 1; ; next++ {
		header, err := from.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var inode string
		var length int64
		if _, err := fmt.Sscanf(header, "%s %d", &inode, &length); err != nil {
			return fmt.Errorf("read the audit log: %q: %w", header, err)
		}
		path := filepath.Join(f.audit(), fmt.Sprintf("%04d-%s.log", next, inode))
		for _, c := range copies {
			if c.inode == inode {
				path = c.path
			}
		}
		if err := appendTo(path, io.LimitReader(from, length)); err != nil {
			return err
		}
	}
}

func appendTo(path string, from io.Reader) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	return errors.Join(err, file.Close())
}
