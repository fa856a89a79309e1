package catalog

import (
	"os"
	"testing"

	"github.com/k8slab/k8slab/checks/all"
	"github.com/k8slab/k8slab/content"
)

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := content.Load(os.DirFS("../../labs"), "11-maintenance"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBind(b *testing.B) {
	lab, err := content.Load(os.DirFS("../../labs"), "11-maintenance")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, wrong := bind(lab, all.Vocabulary()); len(wrong) > 0 {
			b.Fatal(wrong)
		}
	}
}

func BenchmarkLink(b *testing.B) {
	lab, err := content.Load(os.DirFS("../../labs"), "11-maintenance")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Link(lab, all.Vocabulary()); err != nil {
			b.Fatal(err)
		}
	}
}
