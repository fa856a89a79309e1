package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/k8slab/k8slab/cmd/k8slab-controlplane/checkpoint"
)

// checkpointTimeout bounds one run; even a large cluster's keys are read and written in seconds.
const checkpointTimeout = time.Minute

// runCheckpoint is the program etcd-checkpoint: it saves or restores everything that the API server keeps.
func runCheckpoint() int {
	flags := flag.NewFlagSet("etcd-checkpoint", flag.ContinueOnError)
	endpoint := flags.String("endpoint", "", "etcd's client URL")
	ca := flags.String("cacert", "", "file of the CA that signed etcd's certificate")
	cert := flags.String("cert", "", "file of the client certificate")
	key := flags.String("key", "", "file of the client certificate's key")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return 2
	}
	actions := map[string]func(context.Context, clientv3.KV, string) (checkpoint.Summary, error){
		"save": checkpoint.Save, "restore": checkpoint.Restore,
	}
	act, ok := actions[flags.Arg(0)]
	if !ok || flags.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: etcd-checkpoint --endpoint URL --cacert FILE --cert FILE --key FILE save|restore FILE")
		return 2
	}
	summary, err := withEtcd(*endpoint, transport.TLSInfo{TrustedCAFile: *ca, CertFile: *cert, KeyFile: *key},
		func(ctx context.Context, kv clientv3.KV) (checkpoint.Summary, error) {
			return act(ctx, kv, flags.Arg(1))
		})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(summary); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func withEtcd(endpoint string, files transport.TLSInfo, f func(context.Context, clientv3.KV) (checkpoint.Summary, error)) (checkpoint.Summary, error) {
	ctx, cancel := context.WithTimeout(context.Background(), checkpointTimeout)
	defer cancel()
	config, err := files.ClientConfig()
	if err != nil {
		return checkpoint.Summary{}, err
	}
	client, err := clientv3.New(clientv3.Config{
		Context: ctx, Endpoints: []string{endpoint}, TLS: config, DialTimeout: 5 * time.Second, Logger: zap.NewNop(),
		MaxCallRecvMsgSize: 1 << 30,
	})
	if err != nil {
		return checkpoint.Summary{}, err
	}
	defer client.Close()
	return f(ctx, client)
}
