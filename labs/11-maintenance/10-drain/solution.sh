set -eu
# Mia's note says that nobody needs debug-mia any more, so --force may delete it for good.
kubectl -n shop describe pod debug-mia
kubectl drain worker-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=90s
kubectl -n shop rollout status deployment/cart --timeout=90s
