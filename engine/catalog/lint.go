package catalog

import (
	"io/fs"
	"slices"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/text"
)

// Lint returns all that is wrong with the lab in the folder dir of fsys, in the order of files and lines; nil means
// that nothing is wrong. It examines the lab's files, the checks and capabilities that they name, and the starting
// state as far as that is possible without a cluster. It is stricter than playing a lab: a field of a built-in object
// that does not exist, which the API server would drop with a warning, is an error here. So is an object for which a
// lab from a source is refused, unless ships is true: labs that ship with k8slab may contain such objects
// (docs/adr/007-foreign-content.md). The returned error is about reading fsys.
func Lint(fsys fs.FS, dir string, vocabulary *checks.Vocabulary, ships bool) (content.Errors, error) {
	lab, wrong, err := content.Read(fsys, dir)
	if err != nil {
		return nil, err
	}
	_, unlinked := bind(lab, vocabulary)
	for _, doc := range setupDocuments(lab) {
		unlinked = append(unlinked, doc.behaviorFaults()...)
		unlinked = append(unlinked, doc.objectFaults()...)
		if !ships {
			unlinked = append(unlinked, doc.policyFaults()...)
		}
	}
	for _, one := range unlinked {
		// A field that could not be read needs no second complaint about what it refers to.
		if !slices.ContainsFunc(wrong, func(e content.Error) bool { return e.Position == one.Position && e.Field == one.Field }) {
			wrong = append(wrong, one)
		}
	}
	return wrong.Sorted(), nil
}

// Schemas returns the schemas of lab.yaml and step.yaml, with descriptions in lang, for editors.
func Schemas(lang text.Lang, vocabulary *checks.Vocabulary) (lab, step *content.Schema) {
	var all []content.CheckSchema
	for _, d := range vocabulary.Definitions() {
		all = append(all, d.Schema(lang))
	}
	return content.LabSchema(lang, capabilityNames()), content.StepSchema(lang, all, capabilityNames())
}
