# fails: floor-all-along
# A bare pod with the right label is counted as healthy. It serves nobody.
set -eu
kubectl -n shop run decoy --image=ghcr.io/k8slab/shop-web:1.4 --labels=app=web --overrides='{"spec":{"nodeName":"worker-1"}}' --command -- sleep infinity
kubectl -n shop wait --for=condition=Ready pod/decoy --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
