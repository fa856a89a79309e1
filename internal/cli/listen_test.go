package cli

import (
	"net"
	"strconv"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"
)

// callers counts the connections that a script's listener was offered.
type callers struct{ atomic.Int64 }

// listen takes a free port on loopback and puts its number into a variable: listen NAME. Nothing is ever answered.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: listen NAME")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	called := ts.Value(callersKey{}).(*callers)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // the script has ended
			}
			called.Add(1)
			conn.Close()
		}
	}()
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

type callersKey struct{}

// uncalled fails if anybody has connected to a listener of the script.
func uncalled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: uncalled")
	}
	if n := ts.Value(callersKey{}).(*callers).Load(); n != 0 {
		ts.Fatalf("%d connections were made", n)
	}
}
