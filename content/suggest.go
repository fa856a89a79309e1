package content

import (
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/text"
)

// didYouMean advises on a word that is none of the candidates.
func didYouMean(word string, candidates []string) string {
	if near, ok := text.Nearest(word, candidates); ok {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(candidates) == 0 {
		return "remove it"
	}
	sorted := slices.Sorted(slices.Values(candidates))
	return "use one of " + strings.Join(sorted, ", ")
}
