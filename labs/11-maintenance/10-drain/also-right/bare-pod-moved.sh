set -eu
# Somebody who would rather keep the debugging pod creates it again on another node first; then drain needs no --force.
kubectl cordon worker-2
kubectl -n shop delete pod debug-mia --timeout=90s
kubectl -n shop run debug-mia --image=ghcr.io/k8slab/toolbox:0.9 --restart=Never --command -- sleep infinity
kubectl drain worker-2 --ignore-daemonsets --delete-emptydir-data --timeout=90s
kubectl -n shop rollout status deployment/cart --timeout=90s
