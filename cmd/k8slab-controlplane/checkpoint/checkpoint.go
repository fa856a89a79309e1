// Package checkpoint saves what a Kubernetes API server keeps in etcd, and brings a running etcd back to it by writing
// the difference. Nothing has to be restarted for it: API servers see ordinary changes, objects come back with their
// UIDs, and clients keep their connections. Resource versions go on counting.
//
// It owns what belongs to a checkpoint and what does not (see leases and events). It must not know what the values
// mean. Whoever calls Restore sees to it that no controller acts on a state that is half restored.
//
// Start reading at Save and Restore.
package checkpoint

import (
	"bytes"
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// prefix is where API servers keep everything (--etcd-prefix).
	prefix = "/registry/"
	// page is how many keys one answer of etcd has at most.
	page = 500
	// format is the version of the file's format.
	format = 1
)

// leases and events are only true for a time: a lease says who is alive now, and an event what happened. Neither is
// brought back, and events from after the checkpoint are removed.
var (
	leases = []string{"/registry/leases/", "/registry/masterleases/"}
	events = "/registry/events/"
)

// file is a checkpoint on disk.
type file struct {
	Format int
	Keys   map[string][]byte
}

// Summary says what Save or Restore has done.
type Summary struct {
	// Keys in the checkpoint; Put and Deleted count what Restore had to write.
	Keys    int `json:"keys"`
	Put     int `json:"put"`
	Deleted int `json:"deleted"`
}

// Save writes all keys as they are at one revision into path, which appears whole or not at all, with mode 0600.
func Save(ctx context.Context, kv clientv3.KV, path string) (Summary, error) {
	keys, err := read(ctx, kv)
	if err != nil {
		return Summary{}, err
	}
	for key := range keys {
		if isLease(key) {
			delete(keys, key)
		}
	}
	var data bytes.Buffer
	if err := gob.NewEncoder(&data).Encode(file{Format: format, Keys: keys}); err != nil {
		return Summary{}, err
	}
	return Summary{Keys: len(keys)}, replace(path, data.Bytes())
}

// Restore makes the keys in etcd what they are in path. It may be repeated, and then finishes what an interrupted
// Restore began.
func Restore(ctx context.Context, kv clientv3.KV, path string) (Summary, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Summary{}, err
	}
	var saved file
	if err := gob.NewDecoder(bytes.NewReader(raw)).Decode(&saved); err != nil {
		return Summary{}, fmt.Errorf("%s is damaged: %w", path, err)
	}
	if saved.Format != format {
		return Summary{}, fmt.Errorf("%s has format %d, this program reads %d", path, saved.Format, format)
	}
	live, err := read(ctx, kv)
	if err != nil {
		return Summary{}, err
	}
	put, remove := difference(saved.Keys, live)
	for _, key := range remove {
		if _, err := kv.Delete(ctx, key); err != nil {
			return Summary{}, fmt.Errorf("delete %s: %w", key, err)
		}
	}
	for _, key := range put {
		if _, err := kv.Put(ctx, key, string(saved.Keys[key])); err != nil {
			return Summary{}, fmt.Errorf("put %s: %w", key, err)
		}
	}
	return Summary{Keys: len(saved.Keys), Put: len(put), Deleted: len(remove)}, nil
}

// difference returns the keys to write and the keys to delete so that live becomes saved. Namespaces and definitions,
// to which other objects refer, are written first and deleted last.
func difference(saved, live map[string][]byte) (put, remove []string) {
	for key, value := range saved {
		if now, ok := live[key]; ok && bytes.Equal(now, value) || strings.HasPrefix(key, events) {
			continue
		}
		put = append(put, key)
	}
	for key := range live {
		if _, ok := saved[key]; !ok && !isLease(key) {
			remove = append(remove, key)
		}
	}
	slices.SortFunc(put, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b)) })
	slices.SortFunc(remove, func(a, b string) int { return cmp.Or(cmp.Compare(rank(b), rank(a)), strings.Compare(a, b)) })
	return put, remove
}

func rank(key string) int {
	switch {
	case strings.HasPrefix(key, "/registry/apiextensions.k8s.io/"), strings.HasPrefix(key, "/registry/namespaces/"):
		return 0
	case strings.HasPrefix(key, "/registry/pods/"):
		return 2
	}
	return 1
}

func isLease(key string) bool {
	return slices.ContainsFunc(leases, func(p string) bool { return strings.HasPrefix(key, p) })
}

// read returns all keys as of one revision.
func read(ctx context.Context, kv clientv3.KV) (map[string][]byte, error) {
	keys := map[string][]byte{}
	from, end, revision := prefix, clientv3.GetPrefixRangeEnd(prefix), int64(0)
	for {
		opts := []clientv3.OpOption{clientv3.WithRange(end), clientv3.WithLimit(page)}
		if revision != 0 {
			opts = append(opts, clientv3.WithRev(revision))
		}
		res, err := kv.Get(ctx, from, opts...)
		if err != nil {
			return nil, fmt.Errorf("read etcd: %w", err)
		}
		revision = res.Header.Revision
		for _, pair := range res.Kvs {
			keys[string(pair.Key)] = pair.Value
		}
		if !res.More {
			return keys, nil
		}
		from = string(res.Kvs[len(res.Kvs)-1].Key) + "\x00"
	}
}

func replace(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".checkpoint-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
