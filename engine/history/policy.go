package history

import _ "embed"

//go:embed policy.yaml
var policy string

// Policy returns the audit policy, as YAML for kube-apiserver's --audit-policy-file, under which the log holds what
// Request describes and little else.
func Policy() []byte { return []byte(policy) }
