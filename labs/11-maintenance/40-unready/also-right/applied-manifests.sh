set -eu
# The same floors, as percentages and the other way round.
kubectl apply --server-side --force-conflicts -f - <<'MANIFESTS'
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: search, namespace: shop}
spec:
  minAvailable: 50%
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector: {matchLabels: {app: search}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: feed, namespace: shop}
spec:
  minAvailable: 60%
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector: {matchExpressions: [{key: app, operator: In, values: [feed]}]}
MANIFESTS
