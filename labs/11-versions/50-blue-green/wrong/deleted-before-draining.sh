# fails: blue-gone
# A Node object is deleted in a second. Its pods are found to be orphans a minute later, and no budget was asked.
set -eu
kubectl cordon -l agentpool=blue
kubectl -n shop patch deployment cart -p '{"spec":{"template":{"spec":{"nodeSelector":{"agentpool":"green"}}}}}'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl delete node -l agentpool=blue --timeout=60s
kubectl -n shop wait --for=delete pod --field-selector spec.nodeName=blue-1 --timeout=120s
kubectl -n shop wait --for=delete pod --field-selector spec.nodeName=blue-2 --timeout=120s
kubectl -n shop rollout status deployment/web --timeout=60s
