# fails: cordoned
set -eu
kubectl drain worker-3 --ignore-daemonsets --delete-emptydir-data --force --timeout=90s
kubectl -n shop rollout status deployment/cart --timeout=90s
