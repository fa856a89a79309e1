# fails: replicas-kept
# Half of the shop for an empty node.
set -eu
kubectl cordon worker-3
kubectl -n shop scale deployment web --replicas=1
kubectl -n shop rollout status deployment/web --timeout=90s
