set -eu
# An eviction before the fix, which ended in a kill, is what the lesson asks for. The pause may also be a command.
pod=$(kubectl -n shop get pods -l app=orders -o jsonpath='{.items[0].metadata.name}')
kubectl create --raw "/api/v1/namespaces/shop/pods/$pod/eviction" -f - <<EVICTION
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": "shop", "name": "$pod"}}
EVICTION
kubectl -n shop wait --for=delete "pod/$pod" --timeout=90s
kubectl -n shop patch deployment orders --type=json -p '[
  {"op":"replace","path":"/spec/template/spec/terminationGracePeriodSeconds","value":90},
  {"op":"replace","path":"/spec/template/spec/containers/0/lifecycle","value":{"preStop":{"exec":{"command":["/bin/sh","-c","sleep 10"]}}}}]'
kubectl -n shop rollout status deployment/orders --timeout=90s
pod=$(kubectl -n shop get pods -l app=orders --sort-by=.metadata.creationTimestamp -o jsonpath='{.items[-1:].metadata.name}')
kubectl create --raw "/api/v1/namespaces/shop/pods/$pod/eviction" -f - <<EVICTION
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": "shop", "name": "$pod"}}
EVICTION
kubectl -n shop wait --for=delete "pod/$pod" --timeout=90s
