set -eu
# To the second: 5 for the pause and 40 for the application.
kubectl -n shop patch deployment orders -p '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":45}}}}'
kubectl -n shop rollout status deployment/orders --timeout=90s
pod=$(kubectl -n shop get pods -l app=orders --sort-by=.metadata.creationTimestamp -o jsonpath='{.items[-1:].metadata.name}')
kubectl create --raw "/api/v1/namespaces/shop/pods/$pod/eviction" -f - <<EVICTION
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": "shop", "name": "$pod"}}
EVICTION
kubectl -n shop wait --for=delete "pod/$pod" --timeout=90s
