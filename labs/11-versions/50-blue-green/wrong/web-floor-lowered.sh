# fails: web-floor
# The move was done, the budget was no longer in the way, and it stays like that.
set -eu
kubectl cordon -l agentpool=blue
kubectl -n shop patch deployment cart -p '{"spec":{"template":{"spec":{"nodeSelector":{"agentpool":"green"}}}}}'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl drain -l agentpool=blue --ignore-daemonsets --timeout=120s
kubectl -n shop rollout status deployment/web --timeout=60s
kubectl delete node -l agentpool=blue --timeout=60s
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":1}}'
