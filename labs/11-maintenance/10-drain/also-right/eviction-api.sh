set -eu
# What drain does, one request at a time.
kubectl patch node worker-2 -p '{"spec":{"unschedulable":true}}'
pods=$(kubectl -n shop get pods -l 'app!=node-agent' --field-selector spec.nodeName=worker-2 -o jsonpath='{.items[*].metadata.name}')
for pod in $pods; do
  kubectl create --raw "/api/v1/namespaces/shop/pods/$pod/eviction" -f - <<EVICTION
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": "shop", "name": "$pod"}}
EVICTION
done
for pod in $pods; do
  kubectl -n shop wait --for=delete "pod/$pod" --timeout=90s
done
kubectl -n shop rollout status deployment/cart --timeout=90s
