package history

import (
	"slices"
	"testing"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"sigs.k8s.io/yaml"
)

// auditPolicy answers as the API server would (ruleMatches in k8s.io/apiserver/pkg/audit/policy/checker.go), but knows
// neither groups of users nor API groups.
type auditPolicy struct{ auditv1.Policy }

func parsePolicy(t *testing.T) auditPolicy {
	t.Helper()
	var p auditPolicy
	if err := yaml.UnmarshalStrict(Policy(), &p.Policy); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p auditPolicy) level(user, verb, resource string) string {
	for _, rule := range p.Rules {
		if matches(rule, user, verb, resource) {
			return string(rule.Level)
		}
	}
	return string(auditv1.LevelNone)
}

func matches(rule auditv1.PolicyRule, user, verb, resource string) bool {
	allows := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	if !allows(rule.Users, user) || !allows(rule.Verbs, verb) || len(rule.UserGroups) > 0 {
		return false
	}
	return len(rule.Resources) == 0 || slices.ContainsFunc(rule.Resources, func(g auditv1.GroupResources) bool {
		return allows(g.Resources, resource) && (len(g.Resources) > 0 || groupOf(resource) == g.Group)
	})
}

func groupOf(resource string) string {
	if resource == "tokenreviews" {
		return "authentication.k8s.io"
	}
	return ""
}
