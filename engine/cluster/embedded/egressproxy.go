package embedded

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"

	"github.com/k8slab/k8slab/engine/cluster/embedded/egress"
)

// egressProxy connects the API server with what has an address in the cluster, through a socket that only this user can
// open.
func (s *supervisor) egressProxy() part {
	const name = "egress proxy"
	return part{name, func(ctx context.Context) (func(), error) {
		socket, err := s.folder.socket(egressSocket)
		if err != nil {
			return nil, err
		}
		if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		listener, err := net.Listen("unix", socket)
		if err != nil {
			return nil, err
		}
		if err := os.Chmod(socket, 0o600); err != nil {
			listener.Close()
			return nil, err
		}
		return s.background(name, func(ctx context.Context) error { return egress.Serve(ctx, listener, s.dial) }).start(ctx)
	}}
}

// dial connects the API server with what has an address in the cluster.
func (s *supervisor) dial(ctx context.Context, addr string) (net.Conn, error) {
	if addr == net.JoinHostPort(metricsIP, strconv.Itoa(metricsPort)) {
		return s.metricsConns.Dial(ctx)
	}
	return s.simulation.dialNode(ctx, addr)
}
