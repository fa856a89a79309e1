package command

import "fmt"

type id struct{}

func (id) Name() string  { return "id" }
func (id) Usage() string { return "id" }

func (id) Run(w *World) int {
	if u := w.User; u != nil && (u.UID != 0 || u.GID != 0) {
		_, _ = fmt.Fprintf(w.Stdout, "uid=%d gid=%d groups=%d\n", u.UID, u.GID, u.GID)
		return 0
	}
	_, _ = fmt.Fprintln(w.Stdout, "uid=0(root) gid=0(root) groups=0(root)")
	return 0
}
