// Command workload stands in for the images of the labs' workloads: a web server that takes as long to stop, is as
// ready and uses as much as its environment says. The file images beside it says which image does what.
//
// It is also the few programs that a FROM-scratch image would otherwise lack: linked as sleep it waits, and as get it
// fetches a URL.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	code, err := run(name, args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
	}
	os.Exit(code)
}

func run(name string, args []string) (code int, err error) {
	switch name {
	case "sleep":
		return sleep(args)
	case "get":
		return get(args)
	}
	c, err := conductFrom(os.Getenv, os.Hostname)
	if err != nil {
		return 2, err
	}
	return serve(c)
}

// sleep ends with 143 on a signal: the first process of a container has no default action for a signal.
func sleep(args []string) (code int, err error) {
	if len(args) != 1 {
		return 2, errors.New("usage: sleep SECONDS|DURATION|infinity")
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	if args[0] == "infinity" {
		<-told
		return 143, nil
	}
	d, err := time.ParseDuration(args[0])
	if err != nil {
		if d, err = time.ParseDuration(args[0] + "s"); err != nil {
			return 2, err
		}
	}
	select {
	case <-told:
		return 143, nil
	case <-time.After(d):
		return 0, nil
	}
}

func get(args []string) (code int, err error) {
	if len(args) != 1 {
		return 2, errors.New("usage: get URL")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], nil)
	if err != nil {
		return 2, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 1, err
	}
	defer answer.Body.Close()
	fmt.Print(answer.StatusCode, " ")
	_, err = io.Copy(os.Stdout, answer.Body)
	return 0, err
}
