package embedded

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/k8slab/k8slab/engine/action"
	"github.com/k8slab/k8slab/engine/problem"
	"github.com/k8slab/k8slab/text"
)

// DirVariable names the environment variable that points at a folder with control plane executables.
const DirVariable = "K8SLAB_CONTROLPLANE_DIR"

// executable is one release of etcd, the control plane and kubectl in one file.
type executable struct {
	Path string
	// Version of Kubernetes inside: "v1.37.2".
	Version string
}

// searchPath lists the folders in which executables are looked for. If the variable is set, its folder is the only one.
// Otherwise they are the folder of k8slab itself and the folder libexec beside that folder, where packages install
// them.
func searchPath() []string {
	if dir := os.Getenv(DirVariable); dir != "" {
		return []string{dir}
	}
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	dir := filepath.Dir(self)
	return []string{dir, filepath.Join(filepath.Dir(dir), "libexec", "k8slab")}
}

// findExecutable returns the newest patch of the release ("1.37") that the folders hold.
func findExecutable(release string, dirs []string) (*executable, error) {
	var found []executable
	var refused error
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "k8slab-controlplane-v"+release+".*"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			inside, err := kubernetesIn(file)
			want := strings.TrimPrefix(filepath.Base(file), "k8slab-controlplane-")
			switch {
			case err != nil:
				refused = fmt.Errorf("%s: %w", file, err)
			case inside != want:
				refused = fmt.Errorf("%s holds Kubernetes %s", file, inside)
			default:
				found = append(found, executable{Path: file, Version: inside})
			}
		}
		if len(found) > 0 {
			break // a folder nearer to us wins over a newer patch further away
		}
	}
	if len(found) == 0 {
		return nil, missingExecutable(release, dirs, refused)
	}
	newest := slices.MaxFunc(found, func(a, b executable) int {
		order, _ := version.MustParseSemantic(a.Version).Compare(b.Version) // both are module versions, so they parse
		return order
	})
	return &newest, nil
}

// availableReleases returns the minor releases of which the folders hold a working executable, oldest first.
func availableReleases(dirs []string) ([]string, error) {
	var minors []uint
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "k8slab-controlplane-v1.*"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			inside, err := kubernetesIn(file)
			if err != nil || filepath.Base(file) != "k8slab-controlplane-"+inside {
				continue
			}
			if v, err := version.ParseSemantic(inside); err == nil {
				minors = append(minors, v.Minor())
			}
		}
	}
	slices.Sort(minors)
	var releases []string
	for _, minor := range slices.Compact(minors) {
		releases = append(releases, fmt.Sprintf("1.%d", minor))
	}
	return releases, nil
}

func missingExecutable(release string, dirs []string, refused error) error {
	if refused != nil {
		return problem.New(problem.Cluster,
			text.Text{EN: "the control plane executable is not usable: " + refused.Error(), JA: "コントロールプレーンの実行ファイルが使えません: " + refused.Error()},
			action.InTerminal("make build")).From(refused)
	}
	where := strings.Join(dirs, ", ")
	return problem.New(problem.Cluster,
		text.New("the control plane of Kubernetes %s (k8slab-controlplane-v%s.*) is not in %s", "Kubernetes %s のコントロールプレーン (k8slab-controlplane-v%s.*) が %s にありません", release, release, where),
		action.InTerminal("make build")).From(fs.ErrNotExist)
}

// kubernetesIn reads the version from the build information that the Go linker leaves in the file, which takes a
// millisecond; running it would take a hundred.
func kubernetesIn(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if info.Mode()&0o111 == 0 {
		return "", errors.New("is not executable")
	}
	build, err := buildinfo.ReadFile(file)
	if err != nil {
		return "", errors.New("is not a Go executable, or a damaged one")
	}
	for _, dep := range build.Deps {
		if dep.Path == "k8s.io/kubernetes" {
			return dep.Version, nil
		}
	}
	return "", errors.New("does not contain Kubernetes")
}
