# fails: same-objects
# Now drain does not complain about DaemonSets, and no node has an agent.
set -eu
kubectl -n shop delete daemonset node-agent --timeout=90s
kubectl drain worker-2 --delete-emptydir-data --force --timeout=90s
kubectl -n shop rollout status deployment/cart --timeout=90s
