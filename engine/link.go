package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/k8slab/k8slab/checks"
	"github.com/k8slab/k8slab/content"
	"github.com/k8slab/k8slab/engine/cluster"
)

// linkedLab is a lab whose checks are functions.
type linkedLab struct {
	content *content.Lab
	steps   []*linkedStep
}

type linkedStep struct {
	content *content.Step
	// checks holds the step's checks and then its invariants.
	checks []linkedCheck
}

type linkedCheck struct {
	content.Check
	invariant bool
	run       checks.Bound
}

// link binds every check of the lab and reports every reference that does not hold.
func link(lab *content.Lab, vocabulary *checks.Vocabulary) (*linkedLab, error) {
	linked := &linkedLab{content: lab}
	var errs []error
	for _, name := range lab.Requires {
		if !slices.Contains(cluster.Capabilities[:], cluster.Capability(name)) {
			errs = append(errs, fmt.Errorf("lab %s: requires: there is no capability %q; there are %v", lab.ID, name, cluster.Capabilities))
		}
	}
	for _, step := range lab.Steps {
		s := &linkedStep{content: step}
		for i, check := range slices.Concat(step.Checks, step.Invariants) {
			run, err := vocabulary.Bind(check)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			s.checks = append(s.checks, linkedCheck{Check: check, invariant: i >= len(step.Checks), run: run})
		}
		if _, err := parseScenario(lab, step); err != nil {
			errs = append(errs, err)
		}
		linked.steps = append(linked.steps, s)
	}
	return linked, errors.Join(errs...)
}

// lacks returns the capabilities that the lab requires and the provider does not have.
func lacks(lab *content.Lab, p cluster.Provider) []string {
	var missing []string
	for _, name := range lab.Requires {
		if !slices.Contains(p.Capabilities(), cluster.Capability(name)) {
			missing = append(missing, name)
		}
	}
	return missing
}

func joinNames(names []string) string { return strings.Join(names, ", ") }
