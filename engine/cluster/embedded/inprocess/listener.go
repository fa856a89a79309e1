// Package inprocess has a listener for servers that listen nowhere: connections are handed to it by code of the same
// process. It owns that listener and knows nothing of what is served on it.
package inprocess

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// dialTimeout bounds how long a connection waits to be accepted: for ever, where nobody serves.
const dialTimeout = 5 * time.Second

// Listener is a net.Listener that is fed by Put.
type Listener struct {
	addr     net.Addr
	incoming chan net.Conn
	closed   chan struct{}
	close    sync.Once
}

// New returns a listener that says that addr is its address.
func New(addr net.Addr) *Listener {
	return &Listener{addr: addr, incoming: make(chan net.Conn), closed: make(chan struct{})}
}

// Put returns when the connection has been accepted; its error is worded as that of a network.
func (l *Listener) Put(ctx context.Context, conn net.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	select {
	case l.incoming <- conn:
		return nil
	case <-l.closed:
		return errors.New("connection refused: the simulator is stopping")
	case <-ctx.Done():
		return fmt.Errorf("the simulator does not answer: %w", ctx.Err())
	}
}

// Dial returns the other end of a connection that was put.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	if err := l.Put(ctx, far); err != nil {
		return nil, errors.Join(err, near.Close())
	}
	return near, nil
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.incoming:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.close.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return l.addr }
