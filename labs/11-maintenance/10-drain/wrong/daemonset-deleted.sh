# fails: same-objects
# Now drain has no agent to complain about, and no node has one. Real nodes have DaemonSets of their own, which it still wants to hear of.
set -eu
kubectl -n shop delete daemonset node-agent --timeout=90s
kubectl drain worker-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=90s
kubectl -n shop rollout status deployment/cart --timeout=90s
