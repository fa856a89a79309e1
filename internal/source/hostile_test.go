package source

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/k8slab/k8slab/content"
)

// TestAHostileLabInARepositoryIsLeftOutAndHarmsNoOther has a whole lab beside a hostile one.
func TestAHostileLabInARepositoryIsLeftOutAndHarmsNoOther(t *testing.T) {
	const lab = "90-hostile"
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b]\n"
	for _, c := range []struct {
		name   string
		change func(root, lab folderNode)
		// want is a part of the reason, and offer the id under which the reason is listed.
		want, offer string
	}{
		{"a link to a file elsewhere", func(_, l folderNode) { l.put("10-close/setup/passwd.yaml", linkTo("/etc/passwd")) },
			"10-close/setup/passwd.yaml: it is neither a regular file nor a folder", lab},
		{"a link in place of a lesson", func(_, l folderNode) { l.put("10-close/en.md", linkTo("../../../../.ssh/id_ed25519")) },
			"10-close/en.md: it is neither a regular file nor a folder", lab},
		{"a link in place of a step", func(_, l folderNode) { l["20-away"] = linkTo("/etc") },
			"20-away: it is neither a regular file nor a folder", lab},
		{"a lab that is called ..", func(root, l folderNode) { root[".."] = l; delete(root, lab) },
			`"..": this is not the name of a file`, `".."`},
		{"a folder that is called ..", func(_, l folderNode) { l[".."] = folderNode{"escape.yaml": "kind: Pod\n"} },
			`"..": this is not the name of a file`, lab},
		{"a name that leads out", func(_, l folderNode) { l["10-close"].(folderNode)["../../../escape.sh"] = "id\n" },
			"the name holds a slash or a backslash", lab},
		{"an absolute name", func(_, l folderNode) { l["/tmp/escape.sh"] = "id\n" },
			"the name holds a slash or a backslash", lab},
		{"a backslash in a name", func(_, l folderNode) { l.put(`10-close/setup/..\..\escape.yaml`, "kind: Pod\n") },
			"the name holds a slash or a backslash", lab},
		{"a repository in a lab", func(_, l folderNode) { l.put(".git/hooks/post-checkout", "id\n") },
			`".git": a lab cannot hold a repository`, lab},
		{"a repository in capitals", func(_, l folderNode) { l.put(".GIT/config", "[core]\n") },
			`".GIT": a lab cannot hold a repository`, lab},
		{"an escape sequence in a name", func(_, l folderNode) { l.put("10-close/\x1b]0;owned\x07.sh", "id\n") },
			"the name holds characters that cannot be shown", lab},
		{"a name that is shown backwards", func(_, l folderNode) { l.put("10-close/\u202ehs.drah", "id\n") },
			"the name holds characters that cannot be shown", lab},
		{"a name that is no UTF-8", func(_, l folderNode) { l.put("10-close/\xff\xfe.sh", "id\n") },
			"the name holds characters that cannot be shown", lab},
		{"a lab whose name is an escape sequence", func(root, l folderNode) { root["90-\x1b[31m"] = l; delete(root, lab) },
			"the name holds characters that cannot be shown", `"90-\x1b[31m"`},
		{"two names that differ in capitals", func(_, l folderNode) { l.put("10-close/wrong/Nothing.sh", "id\n") },
			"differs from \"Nothing.sh\" only in upper and lower case", lab},
		{"a file that is too large", func(_, l folderNode) { l.put("10-close/setup/big.yaml", strings.Repeat("# x\n", 1<<17)) },
			"10-close/setup/big.yaml: the file is larger than 256 KiB", lab},
		{"too many files", func(_, l folderNode) {
			for i := range 1001 {
				l.put(fmt.Sprintf("10-close/wrong/%04d.sh", i), "id\n")
			}
		}, "the lab has more than 1000 files", lab},
		{"folders without end", func(_, l folderNode) { l.put("10-close/a/b/c/d/e/f/g/h/i/j.sh", "id\n") },
			"folders are nested more than 8 levels deep", lab},
		{"a YAML bomb", func(_, l folderNode) { l["lab.yaml"] = bomb },
			"YAML anchors and aliases are not allowed", lab},
		{"a YAML bomb in a set-up", func(_, l folderNode) { l.put("10-close/setup/10-settings.yaml", bomb) },
			"YAML anchors and aliases are not allowed", lab},
		{"an escape sequence in a lesson", func(_, l folderNode) {
			l["10-close"].(folderNode).edit(t, "en.md", "A node", "\x1b]52;c;cm0gLXJmIC8=\x07A node")
		},
			"en.md:5: the line holds the control character U+001B", lab},
		{"an escape sequence that a lesson spells", func(_, l folderNode) { l["10-close"].(folderNode).edit(t, "en.md", "A node", "&#27;[2JA node") },
			"en.md:5: a character reference stands for the control character U+001B", lab},
		{"an escape sequence in a title", func(_, l folderNode) { l.edit(t, "lab.yaml", "{en: Close a door", `{en: "\e[2JClose"`) },
			"title.en: the value holds the control character U+001B", lab},
		{"an escape sequence in a check's title", func(_, l folderNode) {
			l["10-close"].(folderNode).edit(t, "step.yaml", "{en: worker-1 takes", `{en: "\x9b2Jworker-1", more: takes`)
		}, "title.en: the value holds the control character U+009B", lab},
		{"text that is shown backwards", func(_, l folderNode) { l["10-close"].(folderNode).edit(t, "solution.sh", "worker-1", "\u202e1-rekrow") },
			"solution.sh:2: the line holds the control character U+202E", lab},
		{"a NUL in a set-up", func(_, l folderNode) {
			l["10-close"].(folderNode).edit(t, "setup/10-settings.yaml", "name: settings", `name: "set\0tings"`)
		}, "metadata.name: the value holds the control character U+0000", lab},
		{"a lab for a newer k8slab", func(_, l folderNode) { l.edit(t, "lab.yaml", "minutes:", "k8slab: \"0.6\"\nsurprise: yes\nminutes:") },
			"the lab 90-hostile needs k8slab 0.6 or newer, and this is v0.5.0; install a newer k8slab", lab},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := folderNode{lab: labTree(t, lab), "91-whole": labTree(t, "91-whole")}
			c.change(root, root[lab].(folderNode))
			r, s := newRepository(t), newStore(t)
			r.commit(t, root)
			offers := add(t, s, r.dir)
			if whole := offers["91-whole"]; whole.Err != nil || whole.Lab == nil {
				t.Errorf("the lab that is whole is not offered: %v", whole.Err)
			}
			wantError(t, offers[c.offer].Err, c.want)
			if len(offers) != 2 {
				t.Errorf("got %d offers, want 2", len(offers))
			}
			onlyKept(t, s)
		})
	}
}

// onlyKept fails if anything but the store's own three files was written.
func onlyKept(t *testing.T, s *Store) {
	t.Helper()
	err := filepath.WalkDir(filepath.Dir(s.dir), func(path string, entry os.DirEntry, err error) error {
		name := entry.Name()
		if err == nil && !entry.IsDir() && name != listFile && name != lockFile && filepath.Ext(name) != ".zip" {
			t.Errorf("%s was written", path)
		}
		if info, err := entry.Info(); err == nil && info.Mode().Perm()&0o077 != 0 && path != filepath.Dir(s.dir) {
			t.Errorf("%s can be read by others: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoLabInARepositoryIsNotRead(t *testing.T) {
	root := folderNode{
		"91-whole": labTree(t, "91-whole"), "README.md": "\x1b[2J", "away": linkTo("/"), "90-linked": linkTo("91-whole"),
		"docs": folderNode{"big.bin": strings.Repeat("x", 1<<20)}, ".github": folderNode{"lab.yaml": "x"}, "module": submodule{},
	}
	root["91-whole"].(folderNode).put("10-close/module", submodule{})
	r, s := newRepository(t), newStore(t)
	r.commit(t, root)
	if offers := add(t, s, r.dir); len(offers) != 1 || offers["91-whole"].Err != nil {
		t.Errorf("got %+v, want the one lab", offers)
	}
}

func TestARepositoryWithoutEndIsRefusedBeforeItIsRead(t *testing.T) {
	objects := memory.NewStorage()
	blob := storeObject(t, objects, plumbing.BlobObject, []byte("x"))
	var many bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&many, "%o %06d.yaml\x00", uint32(filemode.Regular), i)
		many.Write(blob[:])
	}
	wide := storeObject(t, objects, plumbing.TreeObject, many.Bytes())
	// A tree of trees of trees: a hundred thousand folders in six objects.
	bomb := folderNode{"nothing": submodule{}}.store(t, objects)
	for range 5 {
		level := folderNode{}
		for i := range 10 {
			level[fmt.Sprint(i)] = bomb
		}
		bomb = level.store(t, objects)
	}
	for _, c := range []struct {
		name string
		root folderNode
		want string
	}{
		{"100,000 files at the root", folderNode{"90-wide": wide}, "its folders have more than 20000 entries"},
		{"100,000 files in a lab", folderNode{"90-wide": folderNode{"lab.yaml": "id: 90-wide\n", "10-close": wide}}, "its folders have more than 20000 entries"},
		{"trees of trees", folderNode{"90-deep": folderNode{"lab.yaml": "id: 90-deep\n", "a": bomb, "b": bomb}}, "its folders have more than 20000 entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			commit := storeCommit(t, objects, c.root.store(t, objects))
			_, err := takeSnapshot(t.Context(), defaultLimits(), objects, commit, "")
			wantError(t, err, c.want)
		})
	}
}

// claims is a store of objects in which one blob claims to be a gigabyte, and cannot be read.
type claims struct {
	*memory.Storage
	t    *testing.T
	huge plumbing.Hash
}

func (c claims) EncodedObjectSize(hash plumbing.Hash) (int64, error) {
	if hash == c.huge {
		return 1 << 30, nil
	}
	return c.Storage.EncodedObjectSize(hash)
}

func (c claims) EncodedObject(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	if hash == c.huge {
		c.t.Error("the gigabyte was read")
	}
	return c.Storage.EncodedObject(kind, hash)
}

func TestAFileOfAGigabyteIsNotRead(t *testing.T) {
	objects := claims{Storage: memory.NewStorage(), t: t}
	lab := labTree(t, "90-huge")
	lab.put("10-close/setup/huge.yaml", "huge")
	root := folderNode{"90-huge": lab}
	commit := storeCommit(t, objects, root.store(t, objects))
	objects.huge = plumbing.ComputeHash(plumbing.BlobObject, []byte("huge"))
	taken, err := takeSnapshot(t.Context(), defaultLimits(), objects, commit, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(taken.files) != 0 {
		t.Errorf("%d files are kept", len(taken.files))
	}
	wantError(t, taken.refused["90-huge"], "10-close/setup/huge.yaml: the file is larger than 256 KiB")
}

// packOf returns a pack that claims to have that many objects and holds the given ones.
func packOf(objects uint32, packed ...[]byte) []byte {
	pack := append([]byte("PACK\x00\x00\x00\x02"), binary.BigEndian.AppendUint32(nil, objects)...)
	for _, p := range packed {
		pack = append(pack, p...)
	}
	return append(pack, make([]byte, 20)...)
}

// packed returns one object of a pack, with the size that it claims to have.
func packed(t *testing.T, kind plumbing.ObjectType, size uint64, data []byte) []byte {
	t.Helper()
	first := byte(kind)<<4 | byte(size&15)
	size >>= 4
	var out []byte
	for ; size > 0; size >>= 7 {
		out = append(out, first|0x80)
		first = byte(size & 0x7f)
	}
	out = append(out, first)
	if kind == plumbing.REFDeltaObject {
		out = append(out, make([]byte, 20)...)
	}
	var deflated bytes.Buffer
	w := zlib.NewWriter(&deflated)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(out, deflated.Bytes()...)
}

func TestAPackThatWouldNotStaySmallIsRefused(t *testing.T) {
	small := defaultLimits()
	small.packBytes, small.inflatedBytes = 1<<20, 1<<20
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, 10), 1<<30)
	half := make([]byte, 600<<10)
	for _, c := range []struct {
		name string
		pack io.Reader
		want string
	}{
		{"100,000 objects", bytes.NewReader(packOf(100_000)), "it has 100000 files and folders, more than 50000"},
		{"a pack that does not end", io.MultiReader(bytes.NewReader(packOf(1)), endless{}), "it is larger than 1 MiB"},
		{"a file of a gigabyte", bytes.NewReader(packOf(1, packed(t, plumbing.BlobObject, 1<<30, nil))), "it has a file of 1024 MiB, more than 64 MiB"},
		{"a delta that makes a gigabyte", bytes.NewReader(packOf(1, packed(t, plumbing.REFDeltaObject, uint64(len(delta)), delta))), "it has a file of 1024 MiB"},
		{"many files that are large together", bytes.NewReader(packOf(2, packed(t, plumbing.BlobObject, uint64(len(half)), half), packed(t, plumbing.BlobObject, uint64(len(half)), half))),
			"it is larger than 1 MiB when it is unpacked"},
		{"a file that is larger than it says", bytes.NewReader(packOf(1, packed(t, plumbing.BlobObject, 10, half))), "inflated object exceeds declared size"},
		{"a delta of nothing", bytes.NewReader(packOf(1, packed(t, plumbing.REFDeltaObject, 0, nil))), "malformed delta"},
		{"no pack at all", strings.NewReader("<html>"), "read the header of the pack"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "received.pack")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if err = small.receive(c.pack, f); err == nil {
				err = small.vet(t.Context(), path)
			}
			runtime.ReadMemStats(&after)
			wantError(t, err, c.want)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
				t.Errorf("%d MiB were used", grown>>20)
			}
		})
	}
}

// endless never runs out of zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAHostileFolderIsReadWithinBounds(t *testing.T) {
	crowd := filepath.Join(t.TempDir(), "crowd")
	if err := os.Mkdir(crowd, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 100_000 {
		if err := os.Symlink("x", filepath.Join(crowd, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := newStore(t).Add(t.Context(), "", crowd, nil)
	wantError(t, err, "the folder has more than 1000 entries; name the folder that holds the labs")
	for _, c := range []struct {
		name string
		make func(t *testing.T, labs, lab string)
		want string
	}{
		{"a file of a gigabyte", func(t *testing.T, _, lab string) {
			path := filepath.Join(lab, "10-close", "setup", "big.yaml")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, 1<<30); err != nil {
				t.Fatal(err)
			}
		}, "10-close/setup/big.yaml: the file is larger than 256 KiB"},
		{"100,000 files", func(t *testing.T, _, lab string) {
			setup := filepath.Join(lab, "10-close", "setup")
			if err := os.RemoveAll(setup); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(crowd, setup); err != nil {
				t.Fatal(err)
			}
		}, "10-close/setup: the folder has more than 1000 entries"},
		{"a pipe that nobody writes to", func(t *testing.T, _, lab string) {
			if err := syscall.Mkfifo(filepath.Join(lab, "10-close", "setup", "pipe.yaml"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "pipe.yaml: it is neither a regular file nor a folder"},
		{"a pipe in place of lab.yaml", func(t *testing.T, _, lab string) {
			if err := os.Remove(filepath.Join(lab, "lab.yaml")); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(filepath.Join(lab, "lab.yaml"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "lab.yaml: it is neither a regular file nor a folder"},
		{"a link out of the folder", func(t *testing.T, labs, lab string) {
			secret := filepath.Join(filepath.Dir(labs), "secret.yaml")
			if err := os.WriteFile(secret, []byte("kind: Secret\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(secret, filepath.Join(lab, "10-close", "setup", "secret.yaml")); err != nil {
				t.Fatal(err)
			}
		}, "secret.yaml: it is neither a regular file nor a folder"},
		{"an escape sequence in a name", func(t *testing.T, _, lab string) {
			if err := os.WriteFile(filepath.Join(lab, "10-close", "\x1b[2J.sh"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, `"90-hostile/10-close/\x1b[2J.sh": the name holds a control character`},
	} {
		t.Run(c.name, func(t *testing.T) {
			labs := filepath.Join(t.TempDir(), "labs")
			writeLab(t, labs, "90-hostile")
			writeLab(t, labs, "91-whole")
			c.make(t, labs, filepath.Join(labs, "90-hostile"))
			s := newStore(t)
			added, _, err := s.Add(t.Context(), "", labs, nil)
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			offers := offersOf(t, s, added.Name)
			runtime.ReadMemStats(&after)
			wantError(t, offers["90-hostile"].Err, c.want)
			if offers["91-whole"].Err != nil {
				t.Errorf("the lab that is whole is not offered: %v", offers["91-whole"].Err)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 32<<20 {
				t.Errorf("%d MiB were used", grown>>20)
			}
		})
	}
}

// TestALinkThatReplacesAFileWhileItIsReadLeadsNowhere opens the folder and changes it behind its back.
func TestALinkThatReplacesAFileWhileItIsReadLeadsNowhere(t *testing.T) {
	labs := filepath.Join(t.TempDir(), "labs")
	writeLab(t, labs, "90-hostile")
	root, err := folder(labs)
	if err != nil {
		t.Fatal(err)
	}
	solution := filepath.Join(labs, "90-hostile", "10-close", "solution.sh")
	if err := os.Remove(solution); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", solution); err != nil {
		t.Fatal(err)
	}
	if f, err := root.Open("90-hostile/10-close/solution.sh"); err == nil {
		f.Close()
		t.Error("the link was followed")
	}
	if _, err := content.Load(root, "90-hostile"); err == nil {
		t.Error("the lab was read")
	}
}
