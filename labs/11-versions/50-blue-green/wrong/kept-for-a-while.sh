# fails: blue-gone
# Two pools are paid for, and one is used.
set -eu
kubectl cordon -l agentpool=blue
kubectl -n shop patch deployment cart -p '{"spec":{"template":{"spec":{"nodeSelector":{"agentpool":"green"}}}}}'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl drain -l agentpool=blue --ignore-daemonsets --timeout=120s
kubectl -n shop rollout status deployment/web --timeout=60s
