package checkstest

import "fmt"

// Web is a Deployment that prefers a node.
func Web(name string, replicas int, node string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec:
      terminationGracePeriodSeconds: 1
      affinity:
        nodeAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
          - weight: 100
            preference: {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [%[3]s]}]}
      containers: [{name: web, image: registry.test/web:1}]
`, name, replicas, node)
}

// Budget is a PodDisruptionBudget.
func Budget(name, spec string) string {
	return fmt.Sprintf("\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: %s}\nspec: %s\n", name, spec)
}

// Agent is a DaemonSet.
const Agent = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: agent, image: registry.test/agent:1}]
`

// Scratch is a bare pod on a node, with data in an emptyDir.
func Scratch(node string) string {
	return fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: scratch}
spec:
  nodeName: %s
  terminationGracePeriodSeconds: 1
  volumes: [{name: data, emptyDir: {}}]
  containers: [{name: main, image: registry.test/scratch:1, volumeMounts: [{name: data, mountPath: /data}]}]
`, node)
}
