# fails: nodes-kept
# A node that is not there has no pods either. It was to be rebooted, not to be given up.
set -eu
kubectl drain worker-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=90s
kubectl delete node worker-2
kubectl -n shop rollout status deployment/cart --timeout=90s
