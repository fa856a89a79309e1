# fails: same-objects
set -eu
kubectl -n shop delete pdb search feed
kubectl apply -f - <<'MANIFESTS'
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: search, namespace: shop}
spec:
  minAvailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector: {matchLabels: {app: search}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: feed, namespace: shop}
spec:
  minAvailable: 2
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector: {matchLabels: {app: feed}}
MANIFESTS
