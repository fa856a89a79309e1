set -eu
# What drain does, by hand. A budget that is short for a moment answers 429, and drain asks again; so does this.
kubectl cordon worker-3
kubectl -n shop patch deployment web -p '{"spec":{"replicas":3}}'
kubectl -n shop rollout status deployment/web --timeout=90s
for pod in $(kubectl -n shop get pods -l app=web --field-selector spec.nodeName=worker-3 -o jsonpath='{.items[*].metadata.name}'); do
  tries=0
  until kubectl create --raw "/api/v1/namespaces/shop/pods/$pod/eviction" -f - <<EVICTION
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": "shop", "name": "$pod"}}
EVICTION
  do
    tries=$((tries + 1))
    [ "$tries" -lt 30 ]
    sleep 1
  done
  kubectl -n shop wait --for=delete "pod/$pod" --timeout=90s
done
kubectl -n shop rollout status deployment/web --timeout=90s
