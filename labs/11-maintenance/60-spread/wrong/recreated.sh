# fails: same-objects
set -eu
kubectl -n shop delete deployment api --cascade=orphan
kubectl -n shop create -f - <<'MANIFEST'
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop, labels: {app: api}}
spec:
  replicas: 6
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      topologySpreadConstraints:
        - topologyKey: topology.kubernetes.io/zone
          maxSkew: 1
          whenUnsatisfiable: DoNotSchedule
          labelSelector: {matchLabels: {app: api}}
          matchLabelKeys: [pod-template-hash]
      containers:
        - name: api
          image: ghcr.io/k8slab/shop-api:1.4
          resources: {requests: {cpu: 50m, memory: 64Mi}}
MANIFEST
kubectl -n shop rollout status deployment/api --timeout=90s
