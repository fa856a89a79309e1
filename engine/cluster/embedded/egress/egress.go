package egress

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// handshakeTimeout bounds how long a client may take to say where it wants to go.
const handshakeTimeout = 10 * time.Second

// Serve answers HTTP CONNECT on the listener until ctx ends, and joins each client with the connection that dial
// returns for its address. An error of dial is told to the client in the status line, the only part of a refusal that
// kube-apiserver passes on to the user (egressselector.tunnelHTTPConnect). Serve closes the listener, waits for the
// connections to end, and returns nil when ctx ended it.
func Serve(ctx context.Context, listener net.Listener, dial func(ctx context.Context, addr string) (net.Conn, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	var tunnels sync.WaitGroup
	defer tunnels.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	for {
		client, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept connections of the API server: %w", err)
		}
		tunnels.Go(func() { tunnel(ctx, client, dial) })
	}
}

// tunnel serves one client from its CONNECT to the end of the connection.
func tunnel(ctx context.Context, client net.Conn, dial func(ctx context.Context, addr string) (net.Conn, error)) {
	defer client.Close()
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()

	_ = client.SetReadDeadline(time.Now().Add(handshakeTimeout))
	reader := bufio.NewReader(client)
	request, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	if request.Method != http.MethodConnect {
		refuse(client, http.StatusMethodNotAllowed, "this proxy only answers CONNECT")
		return
	}
	_ = client.SetReadDeadline(time.Time{})

	server, err := dial(ctx, request.Host)
	if err != nil {
		refuse(client, http.StatusBadGateway, err.Error())
		return
	}
	defer server.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	join(ctx, client, reader, server)
}

// join copies in both directions until either side ends.
func join(ctx context.Context, client net.Conn, fromClient io.Reader, server net.Conn) {
	// Both are closed by whichever copy ends first: the other one may be writing to a server that reads no more.
	end := func() { _, _ = client.Close(), server.Close() }
	defer context.AfterFunc(ctx, end)()
	var copies sync.WaitGroup
	copies.Go(func() {
		defer end()
		_, _ = io.Copy(server, fromClient)
	})
	copies.Go(func() {
		defer end()
		_, _ = io.Copy(client, server)
	})
	copies.Wait()
}

// refuse answers with the reason in the status line.
func refuse(client net.Conn, code int, reason string) {
	reason = strings.Join(strings.Fields(reason), " ")
	_, _ = fmt.Fprintf(client, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", code, reason)
}
