# fails: web-by-eviction
# --disable-eviction deletes, and a deletion asks no budget.
set -eu
kubectl cordon -l agentpool=blue
kubectl -n shop patch deployment cart -p '{"spec":{"template":{"spec":{"nodeSelector":{"agentpool":"green"}}}}}'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl drain -l agentpool=blue --ignore-daemonsets --disable-eviction --timeout=120s
kubectl -n shop rollout status deployment/web --timeout=60s
kubectl delete node -l agentpool=blue --timeout=60s
