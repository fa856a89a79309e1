# fails: not-deleted-feed
# Drained all right, but past the budget.
set -eu
kubectl -n shop patch pdb search feed --type=merge -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
node=$(kubectl -n shop get pod feed-1 -o jsonpath='{.spec.nodeName}')
kubectl drain "$node" --ignore-daemonsets --disable-eviction --pod-selector=app=feed --timeout=90s
kubectl uncordon "$node"
