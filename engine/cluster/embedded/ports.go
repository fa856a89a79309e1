package embedded

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// ports on loopback that the components listen on.
type ports struct {
	API               int `json:"api"`
	EtcdClient        int `json:"etcdClient"`
	EtcdPeer          int `json:"etcdPeer"`
	ControllerManager int `json:"controllerManager"`
	Scheduler         int `json:"scheduler"`
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// settle keeps the ports that are free and replaces the others; zero counts as not free. fixedAPI is a port that the
// user asked for: it is used or refused, never replaced. Until release is called, no other settle on this machine picks
// any of the ports, even if nothing listens there yet. A user who asks for one of the ports by its number still gets
// it.
func (p ports) settle(fixedAPI int) (settled ports, release func(), err error) {
	if fixedAPI != 0 {
		p.API = fixedAPI
	}
	var bound, marks []io.Closer
	defer func() { closeAll(bound) }()
	release = func() { closeAll(marks) }
	for _, port := range []*int{&p.API, &p.EtcdClient, &p.EtcdPeer, &p.ControllerManager, &p.Scheduler} {
		var c claim
		var err error
		if port == &p.API && fixedAPI != 0 {
			c, err = claimFixed(fixedAPI)
		} else {
			c, err = claimFree(*port)
		}
		if err != nil {
			release()
			return p, func() {}, err
		}
		bound = append(bound, c.bound) // all are bound until all are found, so that none is given twice
		if c.mark != nil {
			marks = append(marks, c.mark)
		}
		*port = c.port
	}
	return p, release, nil
}

func closeAll(closers []io.Closer) {
	for _, c := range closers {
		c.Close()
	}
}

// firstPort and lastPort bound the ports that are picked. They lie below those that Linux (from 32768) and macOS (from
// 49152) give to outgoing connections: a port is let go before its component binds it, some only seconds later, and
// meanwhile a connection of another component could take it.
const (
	firstPort = 20000
	lastPort  = 32000
)

// claim is a port that is ours. Its component will bind the TCP port, so that has to be let go; the UDP port of the
// same number, for which no component has a use, is kept as the mark that tells other clusters.
type claim struct {
	port  int
	bound net.Listener
	mark  net.PacketConn
}

// claimFree claims the port, or another where it is zero or taken.
func claimFree(port int) (claim, error) {
	if port != 0 {
		if c, err := claimPort(port); err == nil {
			return c, nil
		}
	}
	var err error
	for range 100 {
		var c claim
		if c, err = claimPort(firstPort + rand.IntN(lastPort-firstPort)); err == nil {
			return c, nil
		}
	}
	return claim{}, fmt.Errorf("find a free port on loopback between %d and %d: %w", firstPort, lastPort, err)
}

// claimFixed claims a port that the user asked for. A program that has no more than the UDP port is not in its way.
func claimFixed(port int) (claim, error) {
	c, err := claimPort(port)
	if err == nil {
		return c, nil
	}
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return claim{}, portProblem(port, err)
	}
	return claim{port: port, bound: l}, nil
}

func claimPort(port int) (claim, error) {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return claim{}, err
	}
	mark, err := net.ListenPacket("udp", loopback(port))
	if err != nil {
		l.Close()
		return claim{}, err
	}
	return claim{port: port, bound: l, mark: mark}, nil
}

func portProblem(port int, err error) error {
	en, ja := "cannot be listened on: "+err.Error(), "で待ち受けできません: "+err.Error()
	if errors.Is(err, syscall.EADDRINUSE) {
		en, ja = "is in use by another program", "は別のプログラムが使用中です"
	}
	return problem.New(problem.Cluster,
		text.Text{EN: fmt.Sprintf("port %d on 127.0.0.1 %s", port, en), JA: fmt.Sprintf("127.0.0.1 のポート %d %s", port, ja)},
		action.Do(action.Doctor)).From(err)
}
