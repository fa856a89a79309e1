package labs_test

import (
	"bufio"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/engine/cluster/embedded/behavior"
	"github.com/k8slab/k8slab/labs"
)

// standIns reads testdata/kindnode/workload/images: what each image does by itself on a real node.
func standIns(t *testing.T) map[string][]string {
	t.Helper()
	file, err := os.Open("../testdata/kindnode/workload/images")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	images := map[string][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 0 && fields[0] != "#" {
			images[fields[0]] = fields[1:]
		}
	}
	return images
}

// simulatedOnly are images whose program exists on the embedded cluster alone.
var simulatedOnly = []string{"ghcr.io/k8slab/ci-bot:1.0"}

func TestEveryImageOfALabHasAStandIn(t *testing.T) {
	images := standIns(t)
	named := regexp.MustCompile(`(?m)^\s*(?:- )?image: (\S+)$`)
	seen := 0
	err := fs.WalkDir(labs.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "/setup/") {
			return err
		}
		raw, err := fs.ReadFile(labs.FS(), path)
		if err != nil {
			return err
		}
		for _, match := range named.FindAllStringSubmatch(string(raw), -1) {
			seen++
			if _, ok := images[match[1]]; !ok && !slices.Contains(simulatedOnly, match[1]) {
				t.Errorf("%s: nothing stands in for %s; add it to testdata/kindnode/workload/images", path, match[1])
			}
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d images, %v", seen, err)
	}
}

// TestAStandInStopsAsTheLabSays holds for what a lab declares of an application by its label app; how ready it is the fixture says for
// itself, as it takes a pod's name for it.
func TestAStandInStopsAsTheLabSays(t *testing.T) {
	images := standIns(t)
	declared := 0
	err := fs.WalkDir(labs.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "/setup/") {
			return err
		}
		raw, err := fs.ReadFile(labs.FS(), path)
		if err != nil || !strings.Contains(string(raw), "kind: "+behavior.Kind) {
			return err
		}
		behaviors, err := behavior.Decode(raw)
		if err != nil {
			return err
		}
		for _, b := range behaviors {
			if b.Spec.StopAfter == nil {
				continue
			}
			declared++
			want := "STOP_AFTER=" + b.Spec.StopAfter.Duration.String()
			for image, settings := range images {
				if strings.Contains(image, "/shop-"+b.Spec.Selector.MatchLabels["app"]+":") && !slices.Contains(settings, want) {
					t.Errorf("%s: %s has %v, want %s", path, image, settings, want)
				}
			}
		}
		return nil
	})
	if err != nil || declared == 0 {
		t.Fatalf("%d declarations, %v", declared, err)
	}
}
