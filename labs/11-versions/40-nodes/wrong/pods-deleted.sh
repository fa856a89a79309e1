# fails: by-eviction
# Faster than waiting for the budget.
set -eu
up() {
  kubectl drain "$1" --ignore-daemonsets --timeout=120s
  k8slab node upgrade "$1"
  kubectl wait --for=condition=Ready "node/$1" --timeout=60s
  kubectl uncordon "$1"
}
kubectl cordon blue-1
kubectl -n shop delete pod -l app=web --field-selector spec.nodeName=blue-1 --timeout=60s
k8slab node upgrade blue-1
kubectl wait --for=condition=Ready node/blue-1 --timeout=60s
kubectl uncordon blue-1
kubectl -n shop rollout status deployment/web --timeout=60s
for node in blue-2 green-1 green-2; do
  up "$node"
done
