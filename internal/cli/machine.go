package cli

import (
	"fmt"
	"net"
	"path/filepath"
	"syscall"

	"al.essio.dev/pkg/shellescape"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/machine"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/internal/present"
	"github.com/k8slab/k8slab/text"
)

const (
	megabyte = 1 << 20
	// leastDisk is how many free bytes doctor wants: a cluster's etcd, logs and audit log come to 200 to 300 MB in a
	// long lab.
	leastDisk = 500 * megabyte
	// leastMemory is how many available bytes doctor wants: a control plane with four simulated nodes takes 400 MB.
	leastMemory = 600 * megabyte
)

// examineDisk looks at the file system of dir, which need not exist yet.
func examineDisk(dir string) present.Finding {
	f := present.Finding{Name: "disk", State: present.FindingOK}
	var st syscall.Statfs_t
	err := syscall.Statfs(dir, &st)
	for err != nil && filepath.Dir(dir) != dir {
		dir = filepath.Dir(dir)
		err = syscall.Statfs(dir, &st)
	}
	if err != nil {
		return present.FindingOf(f.Name, fmt.Errorf("asking for free space: %w", err))
	}
	free := st.Bavail * uint64(st.Bsize)
	f.Found = text.New("%d MB free in the state folder", "状態フォルダーの空き容量は %d MB です", free/megabyte)
	if free < leastDisk {
		f.State, f.Next = present.FindingNote, action.InTerminal("df -h "+shellescape.Quote(dir))
		f.Found = text.New("only %d MB free in the state folder; a lab may need %d MB. Make room, or let XDG_STATE_HOME name a folder with more", "状態フォルダーの空き容量が %d MB しかありません。ラボには %d MB ほど必要です。空きを作るか、余裕のあるフォルダーを XDG_STATE_HOME で指定してください", free/megabyte, leastDisk/megabyte)
	}
	return f
}

// examineLoopback listens once on 127.0.0.1, as all components do.
func examineLoopback() present.Finding {
	f := present.Finding{Name: "loopback", State: present.FindingOK, Found: text.Text{EN: "ports on 127.0.0.1 can be listened on", JA: "127.0.0.1 のポートで待ち受けできます"}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.State, f.Next, f.Kind = present.FindingProblem, action.InTerminal("ip address show lo"), problem.Cluster
		f.Found = text.New("no port on 127.0.0.1 can be listened on (%v). The control plane needs five; see whether the loopback interface is up and whether a sandbox forbids it", "127.0.0.1 のポートで待ち受けできません (%v)。コントロールプレーンには 5 つ必要です。ループバックインターフェースが有効か、サンドボックスで禁止されていないかを確かめてください", err)
		return f
	}
	l.Close()
	return f
}

// examineMemory reports the memory that the kernel says is available. If the kernel does not say, there is no finding.
func examineMemory(proc string) []present.Finding {
	available, ok := machine.AvailableMemory(proc)
	if !ok {
		return nil
	}
	f := present.Finding{Name: "memory", State: present.FindingOK, Found: text.New("%d MB available", "使えるメモリーは %d MB です", available/megabyte)}
	if available < leastMemory {
		f.State, f.Next = present.FindingNote, action.Do(action.Stop)
		f.Found = text.New("only %d MB available; a lab's cluster takes about 400 MB. Stop labs that you do not need now, or close other programs", "使えるメモリーが %d MB しかありません。ラボのクラスターは 400 MB ほど使います。今使わないラボを停止するか、ほかのプログラムを終了してください", available/megabyte)
	}
	return []present.Finding{f}
}
