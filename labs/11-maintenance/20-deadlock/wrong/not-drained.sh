# fails: drained
set -eu
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl cordon worker-3
