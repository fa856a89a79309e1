package source

import (
	"context"
	"errors"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/k8slab/k8slab/content"
)

func TestASourceStaysAtItsCommitUntilItIsUpdated(t *testing.T) {
	r, s := newRepository(t), newStore(t)
	first := r.commit(t, folderNode{"90-door": labTree(t, "90-door")})
	if offers := add(t, s, r.dir); offers["90-door"].Lab == nil {
		t.Fatalf("got %+v", offers)
	}
	second := r.commit(t, folderNode{"90-door": labTree(t, "90-door"), "91-window": labTree(t, "91-window")})
	if offers := offersOf(t, s, "course"); len(offers) != 1 {
		t.Errorf("%d labs are offered before the update", len(offers))
	}
	again, isNew, err := s.Add(t.Context(), "", r.dir, nil)
	if err != nil || isNew || again.Commit != first.String() {
		t.Errorf("adding it again gives %+v, %v, %v", again, isNew, err)
	}
	changes, err := s.Update(t.Context(), "course", nil)
	if err != nil || len(changes) != 1 || changes[0] != (Change{"course", first.String(), second.String()}) {
		t.Errorf("got %+v, %v", changes, err)
	}
	if offers := offersOf(t, s, "course"); len(offers) != 2 {
		t.Errorf("%d labs are offered after the update", len(offers))
	}
}

func TestWhatAnAttemptBeganFromIsKeptWithoutTheRepository(t *testing.T) {
	r, s := newRepository(t), newStore(t)
	r.commit(t, folderNode{"90-door": labTree(t, "90-door")})
	began := add(t, s, r.dir)["90-door"].Lab.Origin
	changed := labTree(t, "90-door")
	changed.edit(t, "lab.yaml", "Close a door", "Another title")
	r.commit(t, folderNode{"90-door": changed})
	if _, err := s.Update(t.Context(), "", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(t.Context(), []content.Origin{began}); err != nil {
		t.Fatal(err)
	}
	open := func(o content.Origin) string {
		lab, err := s.Open(t.Context(), o, "90-door")
		if err != nil {
			t.Fatal(err)
		}
		return lab.Title.EN
	}
	now, ok, err := s.Current(began.Source)
	if err != nil || !ok {
		t.Fatalf("the source is not there: %v", err)
	}
	if open(began) != "Close a door" || open(now) != "Another title" {
		t.Errorf("the attempt has %q, the source %q", open(began), open(now))
	}
	_, err = s.Update(t.Context(), "course", nil)
	wantError(t, err, "there is no repository at this address")
	if open(now) != "Another title" {
		t.Error("an update that failed lost what there was")
	}
	if err := s.Remove(t.Context(), "course"); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(t.Context(), []content.Origin{began}); err != nil {
		t.Fatal(err)
	}
	if open(began) != "Close a door" {
		t.Error("the attempt lost its lab")
	}
	if _, err := s.Open(t.Context(), now, "90-door"); err == nil {
		t.Error("what nobody needs was not removed")
	}
}

func TestARefIsABranchATagOrACommit(t *testing.T) {
	r := newRepository(t)
	first := r.commit(t, folderNode{"90-door": labTree(t, "90-door")})
	second := r.commit(t, folderNode{"90-door": labTree(t, "90-door"), "README": "x"})
	r.point(t, "refs/heads/feature/one", first)
	r.point(t, "refs/tags/v1", first)
	r.point(t, "refs/heads/both", first)
	r.point(t, "refs/tags/both", second)
	tag := "object " + first.String() + "\ntype commit\ntag v2\ntagger Mia <mia@example.com> 0 +0000\n\nsecond\n"
	r.point(t, "refs/tags/v2", storeObject(t, r.storage, plumbing.TagObject, []byte(tag)))
	r.point(t, "refs/tags/blob", storeObject(t, r.storage, plumbing.BlobObject, []byte("x")))
	for _, c := range []struct{ ref, commit, wrong string }{
		{"", second.String(), ""},
		{"@main", second.String(), ""},
		{"@feature/one", first.String(), ""},
		{"@v1", first.String(), ""},
		{"@v2", first.String(), ""},
		{"@" + first.String(), first.String(), ""},
		{"@refs/tags/both", second.String(), ""},
		{"@both", "", `"both" is a branch and a tag; write @refs/heads/both or @refs/tags/both`},
		{"@none", "", `there is no branch, tag or commit "none"`},
		{"@" + first.String()[:10], "", "a commit is written with all its 40 digits"},
		{"@" + strings.Repeat("a", 40), "", "there is no branch, tag or commit"},
		{"@blob", "", "there is no branch, tag or commit"},
		{"@main//nowhere", "", `there is no folder "nowhere" in it`},
		{"@main//README", "", `there is no folder "README" in it`},
		{"@main//90-door", second.String(), ""},
		{"@main//90-door/10-close", "", "there is no lab in"},
	} {
		for _, over := range []string{"file://" + r.dir, "https"} {
			t.Run(over[:5]+c.ref, func(t *testing.T) {
				s := newStore(t)
				address := over
				if over == "https" {
					address = serve(t, s, r, nil)
				}
				added, _, err := s.Add(t.Context(), "", address+c.ref, nil)
				if c.wrong != "" {
					wantError(t, err, c.wrong)
					onlyKept(t, s)
					return
				}
				if err != nil || added.Commit != c.commit {
					t.Fatalf("got %+v, %v", added, err)
				}
				if offers := offersOf(t, s, added.Name); offers["90-door"].Lab == nil {
					t.Errorf("got %+v", offers)
				}
				onlyKept(t, s)
			})
		}
	}
}

// serve makes git's own server offer the repository over https, and the store trust the server. It returns the address.
func serve(t *testing.T, s *Store, r repository, handler http.Handler) string {
	t.Helper()
	if handler == nil {
		out, err := exec.Command("git", "--exec-path").Output()
		if err != nil {
			t.Fatal(err)
		}
		handler = &cgi.Handler{
			Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
			Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
		}
	}
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	s.http = server.Client().Transport
	return server.URL + "/course.git"
}

func TestOnlyTheCommitThatIsAskedForIsFetched(t *testing.T) {
	r, s := newRepository(t), newStore(t)
	r.commit(t, folderNode{"90-door": labTree(t, "90-door"), "old": strings.Repeat("x", 1<<20)})
	parent, err := r.storage.Reference("refs/heads/main")
	if err != nil {
		t.Fatal(err)
	}
	tree := folderNode{"90-door": labTree(t, "90-door")}.store(t, r.storage)
	commit := "tree " + tree.String() + "\nparent " + parent.Hash().String() + "\nauthor Mia <mia@example.com> 0 +0000\ncommitter Mia <mia@example.com> 0 +0000\n\nnew\n"
	r.point(t, "refs/heads/main", storeObject(t, r.storage, plumbing.CommitObject, []byte(commit)))
	s.limits.inflatedBytes = 1 << 19 // too little for the file of the first commit
	if offers := add(t, s, serve(t, s, r, nil)); offers["90-door"].Lab == nil {
		t.Errorf("got %+v", offers)
	}
}

func TestWhatAServerSaysIsExplained(t *testing.T) {
	answer := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "\x1b[2Jask mia", code) })
	}
	for _, c := range []struct {
		name    string
		handler http.Handler
		want    []string
	}{
		{"authentication", answer(http.StatusUnauthorized), []string{"k8slab never asks for a password", "ssh agent"}},
		{"forbidden", answer(http.StatusForbidden), []string{"k8slab never asks for a password"}},
		{"not found", answer(http.StatusNotFound), []string{"there is no repository at this address"}},
		{"broken", answer(http.StatusInternalServerError), []string{"the repository cannot be read", "500"}},
		{"no git", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }), []string{"the repository cannot be read"}},
		{"redirected to where anybody listens", http.RedirectHandler("http://127.0.0.1:1/info/refs", http.StatusFound), []string{"cannot be re"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			_, _, err := s.Add(t.Context(), "", serve(t, s, repository{}, c.handler), nil)
			wantError(t, err, c.want...)
			if list, err := s.List(); err != nil || len(list) != 0 {
				t.Errorf("the list has %+v, %v", list, err)
			}
			onlyKept(t, s)
		})
	}
}

func TestAServerThatCannotBeReached(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	address := server.URL
	server.Close()
	_, _, err := newStore(t).Add(t.Context(), "", address+"/course", nil)
	wantError(t, err, "the server cannot be reached", "is there a network?")
}

func TestSSHWithoutAnAgentSaysWhatIsMissing(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "")
	_, _, err := newStore(t).Add(t.Context(), "", "git@127.0.0.1:course.git", nil)
	wantError(t, err, "ssh cannot log in", "with your agent running")
}

func TestAServerThatNeverEndsIsLeft(t *testing.T) {
	asked := make(chan struct{})
	release := make(chan struct{})
	s := newStore(t)
	address := serve(t, s, repository{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(asked); <-release }))
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	_, _, err := s.Add(ctx, "", address, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	onlyKept(t, s)
}

func TestWhatAKilledProcessLeftIsRemoved(t *testing.T) {
	r, s := newRepository(t), newStore(t)
	r.commit(t, folderNode{"90-door": labTree(t, "90-door")})
	left := filepath.Join(s.dir, newPrefix+"1", "git", "objects")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, newPrefix+"2"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	add(t, s, r.dir)
	onlyKept(t, s)
}

func TestManyProcessesAtOnceLoseNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sources")
	var repositories []repository
	for range 4 {
		r := newRepository(t)
		r.commit(t, folderNode{"90-door": labTree(t, "90-door")})
		repositories = append(repositories, r)
	}
	var all sync.WaitGroup
	for _, r := range repositories {
		for range 2 {
			all.Go(func() {
				s := New(dir, "v0.5.0")
				if _, _, err := s.Add(t.Context(), "", r.dir, nil); err != nil {
					t.Error(err)
				}
				if _, err := s.Offers(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	list, err := New(dir, "v0.5.0").List()
	if err != nil || len(list) != len(repositories) {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestDamageToWhatIsKeptIsSaidAndMendedByAnUpdate(t *testing.T) {
	r, s := newRepository(t), newStore(t)
	r.commit(t, folderNode{"90-door": labTree(t, "90-door")})
	origin := add(t, s, r.dir)["90-door"].Lab.Origin
	if err := os.WriteFile(s.keptFile(origin), []byte("PK half"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Open(t.Context(), origin, "90-door")
	wantError(t, err, "the copy of", "cannot be read")
	if offers, err := s.Offers(t.Context()); err != nil || len(offers) != 1 || offers[0].Err == nil {
		t.Errorf("got %+v, %v", offers, err)
	}
	if _, err := s.Update(t.Context(), "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(t.Context(), origin, "90-door"); err != nil {
		t.Error(err)
	}
}

func TestSourcesThatCannotBeAdded(t *testing.T) {
	r, s := newRepository(t), newStore(t)
	r.commit(t, folderNode{"90-door": labTree(t, "90-door")})
	add(t, s, r.dir)
	t.Chdir(t.TempDir())
	bare := newRepository(t)
	empty := t.TempDir()
	for _, c := range []struct{ name, address, want string }{
		{"Course", r.dir, `"Course" cannot be the name of a source`},
		{"other", r.dir, "was added already, as course"},
		{"course", empty, "there is a source course already"},
		{"new", empty, "there is no lab in"},
		{"new", bare.dir, "the repository has no commit on its default branch"},
		{"new", "file://" + empty, "there is no repository at this address"},
		{"new", "file:///nowhere/at/all.git", "there is no repository at this address"},
	} {
		_, _, err := s.Add(t.Context(), c.name, c.address, nil)
		wantError(t, err, c.want)
	}
	_, _, err := s.Resolve(t.Context(), "cuorse", nil)
	wantError(t, err, `there is no source "cuorse"; did you mean course?`)
	if list, err := s.List(); err != nil || len(list) != 1 {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestAFolderIsReadAsItIsAndMayBeALabItself(t *testing.T) {
	labs := filepath.Join(t.TempDir(), "labs")
	writeLab(t, labs, "90-door")
	s := newStore(t)
	for _, address := range []string{labs, filepath.Join(labs, "90-door")} {
		origin, offers, err := s.Resolve(t.Context(), address, nil)
		if err != nil || len(offers) != 1 || offers[0].ID != "90-door" || offers[0].Err != nil {
			t.Fatalf("%s: got %+v, %v", address, offers, err)
		}
		if origin != (content.Origin{Source: address}) {
			t.Errorf("got %+v", origin)
		}
		if lab, err := s.Open(t.Context(), origin, "90-door"); err != nil || lab.Origin != origin {
			t.Errorf("got %+v, %v", lab, err)
		}
	}
	writeLab(t, labs, "91-window")
	if _, offers, err := s.Resolve(t.Context(), labs, nil); err != nil || len(offers) != 2 {
		t.Errorf("got %+v, %v", offers, err)
	}
	if err := os.RemoveAll(labs); err != nil {
		t.Fatal(err)
	}
	_, err := s.Open(t.Context(), content.Origin{Source: labs}, "90-door")
	wantError(t, err, labs+" cannot be read: no such file or directory")
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("a folder was added: %+v, %v", list, err)
	}
}

func TestOnlyAReleasedK8slabCanBeTooOld(t *testing.T) {
	for _, c := range []struct {
		version, oldest string
		older           bool
	}{
		{"v0.5.0", "0.5", false},
		{"v0.5.0", "0.5.1", true},
		{"v0.5.1-0.20260102030405-abcdefabcdef+dirty", "0.5", false},
		{"v0.4.9", "0.5", true},
		{"v0.10.0", "0.9", false},
		{"(devel)", "9.0", false},
		{"v0.0.0-20260102030405-abcdefabcdef", "9.0", false},
	} {
		if got := New(t.TempDir(), c.version).olderThan(c.oldest); got != c.older {
			t.Errorf("%s is older than %s: got %v", c.version, c.oldest, got)
		}
	}
}
