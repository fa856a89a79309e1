# fails: not-deleted
# --disable-eviction deletes, and a deletion asks no budget.
set -eu
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --disable-eviction --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
