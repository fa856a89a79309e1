package embedded

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"

	"github.com/k8slab/k8slab/engine/problem"
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

// settle keeps the ports that are free and replaces the others; zero counts as not free. fixedAPI is a port that the user asked
// for: it is used or refused, never replaced.
func (p ports) settle(fixedAPI int) (ports, error) {
	if fixedAPI != 0 {
		p.API = fixedAPI
	}
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for _, port := range []*int{&p.API, &p.EtcdClient, &p.EtcdPeer, &p.ControllerManager, &p.Scheduler} {
		var l net.Listener
		var err error
		if port == &p.API && fixedAPI != 0 {
			if l, err = net.Listen("tcp", loopback(fixedAPI)); err != nil {
				return p, portProblem(fixedAPI, err)
			}
		} else {
			l, err = listen(*port)
		}
		if err != nil {
			return p, fmt.Errorf("find a free port on loopback: %w", err)
		}
		held = append(held, l) // all are held until all are found, so that none is given twice
		*port = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

// firstPort and lastPort bound the ports that are picked. They lie below those that Linux (from 32768) and macOS (from 49152) give to
// outgoing connections: a port is let go before its component binds it, some only seconds later, and meanwhile a connection of another
// component could take it.
const (
	firstPort = 20000
	lastPort  = 32000
)

// listen takes the port, or another where it is zero or taken.
func listen(port int) (net.Listener, error) {
	if port != 0 {
		if l, err := net.Listen("tcp", loopback(port)); err == nil {
			return l, nil
		}
	}
	for range 100 {
		if l, err := net.Listen("tcp", loopback(firstPort+rand.IntN(lastPort-firstPort))); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", loopback(0))
}

func portProblem(port int, err error) error {
	en, ja := "cannot be listened on: "+err.Error(), "で待ち受けできません: "+err.Error()
	if errors.Is(err, syscall.EADDRINUSE) {
		en, ja = "is in use by another program", "は別のプログラムが使用中です"
	}
	return problem.New(problem.Cluster,
		fmt.Sprintf("port %d on 127.0.0.1 %s", port, en),
		fmt.Sprintf("127.0.0.1 のポート %d %s", port, ja),
		"k8slab doctor").From(err)
}
