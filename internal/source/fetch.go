package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	// fetchTimeout bounds a fetch, whatever the server does.
	fetchTimeout = 5 * time.Minute
	// maxRefsBytes bounds what a server says about its branches and tags.
	maxRefsBytes = 16 << 20
	// maxCommitBytes bounds a commit or a tag.
	maxCommitBytes = 1 << 20
)

var (
	errNoRef        = errors.New("there is no such branch, tag or commit")
	errAmbiguousRef = errors.New("there are a branch and a tag of that name")
)

// fetch takes the snapshot of the commit that the reference means now. It writes to the folder tmp only, and returns
// when ctx ends even if the connection does not.
func (s *Store) fetch(ctx context.Context, r Reference, tmp string) (snapshot, string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	type result struct {
		taken  snapshot
		commit plumbing.Hash
		err    error
	}
	done := make(chan result, 1)
	go func() {
		objects, commit, err := s.objects(ctx, r, tmp)
		if err != nil {
			done <- result{err: err}
			return
		}
		taken, err := takeSnapshot(ctx, s.limits, objects, commit, r.Subdir)
		done <- result{taken, commit, err}
	}()
	select {
	case got := <-done:
		return got.taken, got.commit.String(), got.err
	case <-ctx.Done():
		return snapshot{}, "", ctx.Err()
	}
}

// objects returns git's objects of the repository, and the commit that the reference means.
func (s *Store) objects(ctx context.Context, r Reference, tmp string) (storer.EncodedObjectStorer, plumbing.Hash, error) {
	if path, ok := strings.CutPrefix(r.Location, fileScheme); ok {
		path, err := url.PathUnescape(path)
		if err != nil {
			return nil, plumbing.ZeroHash, err
		}
		return openLocal(path, r.Ref)
	}
	return s.download(ctx, r, tmp)
}

// openLocal reads a repository of this machine in its place. go-git would run git's own upload-pack for it.
func openLocal(path, ref string) (storer.EncodedObjectStorer, plumbing.Hash, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, plumbing.ZeroHash, transport.ErrRepositoryNotFound
	}
	repository, err := git.PlainOpenWithOptions(path, &git.PlainOpenOptions{EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, plumbing.ZeroHash, transport.ErrRepositoryNotFound
	}
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	hash, err := pickRef(ref, func(name plumbing.ReferenceName) (plumbing.Hash, bool) {
		found, err := repository.Reference(name, true)
		if err != nil {
			return plumbing.ZeroHash, false
		}
		return found.Hash(), true
	})
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	commit, err := peel(repository.Storer, hash)
	return repository.Storer, commit, err
}

// pickRef returns the object that ref means: HEAD, a full commit id, a full name, a branch or a tag.
func pickRef(ref string, resolve func(plumbing.ReferenceName) (plumbing.Hash, bool)) (plumbing.Hash, error) {
	if commitID.MatchString(ref) {
		return plumbing.NewHash(ref), nil
	}
	names := []plumbing.ReferenceName{plumbing.NewBranchReferenceName(ref), plumbing.NewTagReferenceName(ref)}
	switch {
	case ref == "":
		names = []plumbing.ReferenceName{plumbing.HEAD}
	case strings.HasPrefix(ref, "refs/"):
		names = []plumbing.ReferenceName{plumbing.ReferenceName(ref)}
	}
	var found plumbing.Hash
	for _, name := range names {
		hash, ok := resolve(name)
		switch {
		case !ok:
		case !found.IsZero() && found != hash:
			return plumbing.ZeroHash, errAmbiguousRef
		default:
			found = hash
		}
	}
	if found.IsZero() {
		return plumbing.ZeroHash, errNoRef
	}
	return found, nil
}

// peel follows annotated tags to the commit.
func peel(objects storer.EncodedObjectStorer, hash plumbing.Hash) (plumbing.Hash, error) {
	for range 8 {
		size, err := objects.EncodedObjectSize(hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			return plumbing.ZeroHash, errNoRef
		}
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if size > maxCommitBytes {
			return plumbing.ZeroHash, errNoRef // no commit is that big
		}
		o, err := objects.EncodedObject(plumbing.AnyObject, hash)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		switch o.Type() {
		case plumbing.CommitObject:
			return hash, nil
		case plumbing.TagObject:
			tag, err := object.DecodeTag(objects, o)
			if err != nil {
				return plumbing.ZeroHash, err
			}
			hash = tag.Target
		default:
			return plumbing.ZeroHash, errNoRef
		}
	}
	return plumbing.ZeroHash, errNoRef
}

// client returns the transport for a protocol. No transport asks anybody for a password: ssh uses the agent.
func (s *Store) client(protocol string) transport.Transport {
	if protocol == "ssh" {
		return gitssh.NewClient(nil)
	}
	through := s.http
	if through == nil {
		through = http.DefaultTransport
	}
	return githttp.NewClient(&http.Client{Transport: boundedReplies{through: through, pack: s.limits.packBytes}})
}

// boundedReplies cuts the replies of a server that never stops sending.
type boundedReplies struct {
	through http.RoundTripper
	pack    int64
}

// RoundTrip implements http.RoundTripper.
func (b boundedReplies) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "https" {
		return nil, fmt.Errorf("the server leads to %s://, where others could change what is fetched", request.URL.Scheme)
	}
	response, err := b.through.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	most := b.pack + b.pack/16 + 1<<20 // the pack is sent in packets with a header each
	if strings.HasSuffix(request.URL.Path, "/info/refs") || response.StatusCode != http.StatusOK {
		most = maxRefsBytes
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, most), response.Body}
	return response, nil
}

// download fetches the commit alone, without its history if the server can leave the history out.
func (s *Store) download(ctx context.Context, r Reference, tmp string) (storer.EncodedObjectStorer, plumbing.Hash, error) {
	none := plumbing.ZeroHash
	endpoint, err := transport.NewEndpoint(r.Location)
	if err != nil {
		return nil, none, err
	}
	session, err := s.client(endpoint.Protocol).NewUploadPackSession(endpoint, nil)
	if err != nil {
		return nil, none, err
	}
	defer session.Close()
	advertised, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return nil, none, err
	}
	want, err := pickRef(r.Ref, func(name plumbing.ReferenceName) (plumbing.Hash, bool) {
		if name == plumbing.HEAD && advertised.Head != nil {
			return *advertised.Head, true
		}
		hash, ok := advertised.References[name.String()]
		return hash, ok
	})
	if err != nil {
		return nil, none, err
	}
	pack := filepath.Join(tmp, "received.pack")
	if err := s.receivePack(ctx, session, requestOf(advertised, want), pack); err != nil {
		return nil, none, err
	}
	objects, err := s.unpack(ctx, pack, tmp)
	if err != nil {
		return nil, none, err
	}
	commit, err := peel(objects, want)
	return objects, commit, err
}

// requestOf asks for one object: without its history if the server gives objects by their ids, and otherwise with all
// branches and tags, one of which has to have the object in its history.
func requestOf(advertised *packp.AdvRefs, want plumbing.Hash) *packp.UploadPackRequest {
	request := packp.NewUploadPackRequestFromCapabilities(advertised.Capabilities)
	given := advertised.Capabilities.Supports(capability.AllowReachableSHA1InWant)
	if advertised.Head != nil && *advertised.Head == want {
		given = true
	}
	for _, hash := range advertised.References {
		given = given || hash == want
	}
	if !given {
		for _, hash := range advertised.References {
			request.Wants = append(request.Wants, hash)
		}
		return request
	}
	request.Wants = append(request.Wants, want)
	if advertised.Capabilities.Supports(capability.Shallow) {
		request.Depth = packp.DepthCommits(1)
		_ = request.Capabilities.Set(capability.Shallow) // fails only for a capability with arguments
	}
	return request
}

func (s *Store) receivePack(ctx context.Context, session transport.UploadPackSession, request *packp.UploadPackRequest, path string) error {
	reply, err := session.UploadPack(ctx, request)
	if err != nil {
		return err
	}
	defer reply.Close()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = s.limits.receive(withoutSideband(request.Capabilities, reply), file)
	return errors.Join(err, file.Close())
}

func withoutSideband(agreed *capability.List, reply io.Reader) io.Reader {
	switch {
	case agreed.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, reply)
	case agreed.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, reply)
	}
	return reply
}

// unpack indexes a received pack, once the pack is known to stay small.
func (s *Store) unpack(ctx context.Context, pack, tmp string) (storer.EncodedObjectStorer, error) {
	if err := s.limits.vet(ctx, pack); err != nil {
		return nil, err
	}
	file, err := os.Open(pack)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	objects := filesystem.NewStorage(osfs.New(filepath.Join(tmp, "git")), cache.NewObjectLRU(cache.DefaultMaxSize))
	return objects, packfile.UpdateObjectStorage(objects, file)
}
