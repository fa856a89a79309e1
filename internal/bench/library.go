package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// librarySizes are the numbers of labs that are compared.
var librarySizes = [...]int{2, 24}

// costOfLibrary measures what commands on one lab cost with few labs beside it and with many. The sizes take turns in
// one run, on one cluster.
func costOfLibrary(ctx context.Context, bin, labs, lab string, rounds int) (err error) {
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "k8slab-library-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var sized [len(librarySizes)]cli
	for i, size := range librarySizes {
		folder := filepath.Join(dir, fmt.Sprint(size))
		if err := makeLibrary(filepath.Join(labs, lab), folder, lab, size); err != nil {
			return err
		}
		sized[i] = cli{path: filepath.Join(bin, "k8slab"), state: filepath.Join(dir, "state"), env: []string{"K8SLAB_LABS=" + folder}}
	}
	if err := sized[0].time(ctx, nil, "start", lab); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sized[0].time(context.WithoutCancel(ctx), nil, "delete", "--lab", lab)) }()
	if err := pause(ctx, reading); err != nil {
		return err
	}
	var check, status [len(librarySizes)]sample
	var own sample
	for range rounds {
		for i, c := range sized {
			if err := c.grade(ctx, &check[i], &own); err != nil {
				return err
			}
			if err := c.time(ctx, &status[i], "status"); err != nil {
				return err
			}
		}
	}
	fmt.Printf("%d rounds, medians; %d labs against %d\n\n", rounds, librarySizes[0], librarySizes[1])
	for _, row := range []struct {
		what string
		by   [len(librarySizes)]sample
	}{{"the whole command k8slab check", check}, {"the whole command k8slab status", status}} {
		few, many := row.by[0].median(), row.by[1].median()
		verdict := "within"
		if many/few > 1.05 {
			verdict = "MISSED"
		}
		fmt.Printf("%-36s %5.0f ms %5.0f ms   %5.2f of %5.2f x   %s\n", row.what, few, many, many/few, 1.05, verdict)
	}
	return nil
}

// makeLibrary makes a folder of labs: the lab itself, and copies of it under other ids.
func makeLibrary(from, to, id string, size int) error {
	for n := range size {
		name := id
		if n > 0 {
			name = fmt.Sprintf("%02d-copy", 30+n)
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(to, 0o700); err != nil {
			return err
		}
		if err := os.CopyFS(target, os.DirFS(from)); err != nil {
			return fmt.Errorf("copy the lab %s: %w", from, err)
		}
		file := filepath.Join(target, "lab.yaml")
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, bytes.Replace(raw, []byte("id: "+id), []byte("id: "+name), 1), 0o600); err != nil {
			return err
		}
	}
	return nil
}
