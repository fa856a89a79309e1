set -eu
# What drain does, by hand: cordon, and one eviction after the other. 429 means not now.
for node in green-2 green-1 blue-2 blue-1; do
  kubectl cordon "$node"
  for pod in $(kubectl -n shop get pods -l app=web --field-selector "spec.nodeName=$node" -o jsonpath='{.items[*].metadata.name}'); do
    tries=0
    until kubectl create --raw "/api/v1/namespaces/shop/pods/$pod/eviction" -f - <<EVICTION
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": "shop", "name": "$pod"}}
EVICTION
    do
      tries=$((tries + 1))
      [ "$tries" -lt 60 ]
      sleep 1
    done
    kubectl -n shop wait --for=delete "pod/$pod" --timeout=60s
  done
  k8slab node upgrade "$node" --to 1.37
  kubectl wait --for=condition=Ready "node/$node" --timeout=60s
  kubectl uncordon "$node"
done
