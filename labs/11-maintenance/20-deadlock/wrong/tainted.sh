# fails: by-eviction
# A NoExecute taint throws the pods out, and the budget is not asked.
set -eu
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
old=$(kubectl -n shop get pods -l app=web --field-selector spec.nodeName=worker-3 -o name)
kubectl cordon worker-3
kubectl taint node worker-3 kernel=old:NoExecute
for pod in $old; do
  kubectl -n shop wait --for=delete "$pod" --timeout=90s
done
kubectl taint node worker-3 kernel-
kubectl -n shop rollout status deployment/web --timeout=90s
