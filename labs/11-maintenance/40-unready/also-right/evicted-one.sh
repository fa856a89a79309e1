set -eu
# Whoever then evicts a pod that is not ready gets another one that is not ready, on whichever node.
kubectl -n shop patch pdb search feed --type=merge -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
kubectl -n shop rollout restart deployment/search
pod=$(kubectl -n shop get pods -l app=search -o jsonpath='{.items[0].metadata.name}')
kubectl create --raw "/api/v1/namespaces/shop/pods/$pod/eviction" -f - <<EVICTION
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": "shop", "name": "$pod"}}
EVICTION
kubectl -n shop wait --for=delete "pod/$pod" --timeout=90s
