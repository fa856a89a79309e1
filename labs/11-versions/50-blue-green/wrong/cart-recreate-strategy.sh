# fails: cart-throughout
# The strategy Recreate stops all pods first, and then starts the new ones.
set -eu
kubectl cordon -l agentpool=blue
kubectl -n shop patch deployment cart --type=merge -p '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null},"template":{"spec":{"nodeSelector":{"agentpool":"green"}}}}}'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl drain -l agentpool=blue --ignore-daemonsets --timeout=120s
kubectl -n shop rollout status deployment/web --timeout=60s
kubectl delete node -l agentpool=blue --timeout=60s
