# fails: eviction-allowed
# A rollout does not ask the budget, so this empties the node. The next drain hangs all the same.
set -eu
old=$(kubectl -n shop get pods -l app=web --field-selector spec.nodeName=worker-3 -o name)
kubectl cordon worker-3
kubectl -n shop rollout restart deployment/web
kubectl -n shop rollout status deployment/web --timeout=90s
for pod in $old; do
  kubectl -n shop wait --for=delete "$pod" --timeout=90s
done
