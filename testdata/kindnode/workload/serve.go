package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

const address = ":8080"

// lastWords is how long an end takes besides the requests in hand: closing connections, and the work of the container
// runtime and the kubelet. It counts as a part of stopAfter; otherwise a grace period of just stopAfter would not be
// enough.
const lastWords = time.Second

// server answers on port 8080:
//
//	GET  /            a greeting with the pod's name
//	GET  /ready       200 or 503
//	PUT  /ready/on    switches readiness on, and /ready/off off
//	PUT  /burn/200m   burns so much of a processor, until it is told otherwise
type server struct {
	conduct
	began time.Time
	ready atomic.Bool
	burn  chan float64
}

func serve(c conduct) (code int, err error) {
	log.SetFlags(log.LstdFlags | log.Lmicroseconds)
	s := &server{conduct: c, began: time.Now(), burn: make(chan float64, 1)}
	s.ready.Store(c.startsReady)
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	web := &http.Server{Addr: address, Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- web.ListenAndServe() }()
	go burn(s.cpu, s.burn)
	go s.chatter()
	log.Printf("%s listens on %s", s.host, address)
	for {
		select {
		case err := <-ended:
			return 1, err
		case signal := <-told:
			if s.ignoresSIGTERM {
				log.Printf("%v: ignored", signal)
				continue
			}
			return s.stop(web, signal)
		}
	}
}

// stop finishes the requests in hand.
func (s *server) stop(web *http.Server, told os.Signal) (code int, err error) {
	if s.stopAfter > 0 {
		log.Printf("%v: finishing what is in hand, which takes %v", told, s.stopAfter)
		time.Sleep(max(0, s.stopAfter-lastWords))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := web.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return 1, err
	}
	log.Printf("%v: bye", told)
	return s.stopExitCode, nil
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		log.Printf("%s %s %s", r.RemoteAddr, r.Method, r.URL)
		fmt.Fprintf(w, "hello from %s\n", s.host)
	})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if !s.ready.Load() || time.Since(s.began) < s.startDelay {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("PUT /ready/{state}", func(w http.ResponseWriter, r *http.Request) {
		switch r.PathValue("state") {
		case "on":
			s.ready.Store(true)
		case "off":
			s.ready.Store(false)
		default:
			http.Error(w, "on or off", http.StatusBadRequest)
		}
	})
	mux.HandleFunc("PUT /burn/{quantity}", func(w http.ResponseWriter, r *http.Request) {
		cpu, err := processors(r.PathValue("quantity"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.burn <- cpu
	})
	return mux
}

// chatter logs a line at intervals.
func (s *server) chatter() {
	if s.logEvery <= 0 {
		return
	}
	for range time.Tick(s.logEvery) {
		log.Printf("%s is alive", s.host)
	}
}

// burn uses a part of one processor: busy for that part of each tenth of a second.
func burn(cpu float64, change <-chan float64) {
	const slice = 100 * time.Millisecond
	for {
		if cpu <= 0 {
			cpu = <-change
			continue
		}
		busy := min(time.Duration(cpu*float64(slice)), slice)
		for until := time.Now().Add(busy); time.Now().Before(until); {
		}
		select {
		case cpu = <-change:
		case <-time.After(slice - busy):
		}
	}
}
