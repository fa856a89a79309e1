package labs_test

import (
	"bufio"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/k8slab/k8slab/engine/behavior"
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

func TestEveryImageOfALabHasAStandIn(t *testing.T) {
	images := standIns(t)
	named := regexp.MustCompile(`(?m)^\s*(?:- )?image: (\S+)$`)
	seen := 0
	eachFile(t, `/setup/`, func(path, text string) {
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			seen++
			if _, ok := images[match[1]]; !ok {
				t.Errorf("%s: nothing stands in for %s; add it to testdata/kindnode/workload/images", path, match[1])
			}
		}
	})
	if seen == 0 {
		t.Fatal("no set-up names an image")
	}
}

// TestAnAnswerUsesImagesThatItsStepHas: a cluster is given the images of the step's set-up. If no registry can be
// reached, the cluster has no other image.
func TestAnAnswerUsesImagesThatItsStepHas(t *testing.T) {
	image := regexp.MustCompile(`ghcr\.io/\S+`)
	inSetup := map[string][]string{} // by folder of the lab or of the step
	eachFile(t, `/setup/`, func(path, text string) {
		folder, _, _ := strings.Cut(path, "/setup/")
		inSetup[folder] = append(inSetup[folder], image.FindAllString(text, -1)...)
	})
	seen := 0
	eachFile(t, `\.sh$`, func(path, text string) {
		parts := strings.Split(path, "/") // LAB/STEP/solution.sh, LAB/STEP/wrong/NAME.sh
		for _, used := range image.FindAllString(text, -1) {
			seen++
			if !slices.Contains(inSetup[parts[0]], used) && !slices.Contains(inSetup[parts[0]+"/"+parts[1]], used) {
				t.Errorf("%s: the step's set-up does not have %s", path, used)
			}
		}
	})
	if seen == 0 {
		t.Fatal("no answer names an image")
	}
}

// TestAClientHasAProgram looks for what a real pod needs in place of a SimulatedClient.
func TestAClientHasAProgram(t *testing.T) {
	var named []string
	for _, settings := range standIns(t) {
		for _, setting := range settings {
			if name, ok := strings.CutPrefix(setting, "CLIENT_NAME="); ok {
				named = append(named, name)
			}
		}
	}
	declared := 0
	eachFile(t, `/setup/`, func(path, text string) {
		clients, err := behavior.DecodeClients([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, client := range clients {
			declared++
			if !slices.Contains(named, client.Name) {
				t.Errorf("%s: no image of testdata/kindnode/workload/images is the client %s", path, client.Name)
			}
		}
	})
	if declared == 0 {
		t.Fatal("no lab declares a client")
	}
}

// eachFile calls look for the files of the labs whose path matches.
func eachFile(t *testing.T, matching string, look func(path, text string)) {
	t.Helper()
	pattern := regexp.MustCompile(matching)
	err := fs.WalkDir(labs.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !pattern.MatchString(path) {
			return err
		}
		raw, err := fs.ReadFile(labs.FS(), path)
		if err == nil {
			look(path, string(raw))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAStandInStopsAsTheLabSays compares how long an application takes to stop, which a lab declares for a label app,
// with what stands in for the application's image. How ready a pod is, the stand-in itself decides by the pod's name.
func TestAStandInStopsAsTheLabSays(t *testing.T) {
	images := standIns(t)
	declared := 0
	eachFile(t, `/setup/`, func(path, text string) {
		if !strings.Contains(text, "kind: "+behavior.WorkloadKind) {
			return
		}
		behaviors, err := behavior.Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
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
	})
	if declared == 0 {
		t.Fatal("no lab declares how long an application takes to stop")
	}
}
