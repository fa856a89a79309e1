# fails: cart-available
# The cart must be on blue, says its template, and blue takes nobody. The first pod that leaves finds no place; the budget saves the second.
set -eu
kubectl cordon -l agentpool=blue
! kubectl drain -l agentpool=blue --ignore-daemonsets --timeout=15s
kubectl -n shop rollout status deployment/web --timeout=60s
