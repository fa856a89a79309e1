# fails: same-objects
set -eu
kubectl -n shop delete deployment orders --cascade=orphan
kubectl -n shop create -f - <<'MANIFEST'
apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop, labels: {app: orders}}
spec:
  replicas: 2
  selector: {matchLabels: {app: orders}}
  template:
    metadata: {labels: {app: orders}}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
        - name: orders
          image: ghcr.io/k8slab/shop-orders:1.4
          lifecycle: {preStop: {sleep: {seconds: 5}}}
          resources: {requests: {cpu: 50m, memory: 64Mi}}
MANIFEST
kubectl -n shop rollout status deployment/orders --timeout=90s
