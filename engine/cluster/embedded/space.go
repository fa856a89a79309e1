package embedded

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

const (
	// newClusterSpace is what a new cluster may take before it is of use: etcd allocates two segments of its
	// write-ahead log ahead of time, 64 MB each (go.etcd.io/etcd/server/v3/storage/wal, SegmentSizeBytes).
	newClusterSpace = 200 << 20
	// clusterSpace is what a cluster needs free to be started again.
	clusterSpace = 20 << 20
)

// checkSpace refuses to start a cluster on a disk that is full: etcd would only crash, and say so in its log.
func (f folder) checkSpace() error {
	need := uint64(clusterSpace)
	if _, err := os.Stat(f.etcdData()); errors.Is(err, fs.ErrNotExist) {
		need = newClusterSpace
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(string(f), &st); err != nil {
		return f.storageProblem(err)
	}
	free := st.Bavail * uint64(st.Bsize)
	if free >= need {
		return nil
	}
	return problem.New(problem.Cluster,
		text.New("only %d MB are free in %s, and the cluster needs %d MB; make room, or let XDG_STATE_HOME name another folder", "%[2]s の空き容量が %[1]d MB しかありません。クラスターには %[3]d MB 必要です。空きを作るか、XDG_STATE_HOME で別のフォルダーを指定してください", free>>20, f, need>>20),
		action.Do(action.Doctor)).From(syscall.ENOSPC)
}
