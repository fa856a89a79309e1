set -eu
kubectl apply --server-side --force-conflicts -f - <<'MANIFESTS'
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: checkout
  namespace: shop
spec:
  minAvailable: 2
  selector:
    matchExpressions:
      - {key: app, operator: In, values: [checkout]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: banner
  namespace: shop
spec:
  minAvailable: 1
  selector:
    matchLabels:
      app: banner
MANIFESTS
