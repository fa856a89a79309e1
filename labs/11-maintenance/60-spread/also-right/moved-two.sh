set -eu
# Without matchLabelKeys the pods that are about to go count, too, and z1 is left empty. Whoever sees that may move two pods, one by one.
kubectl -n shop patch deployment api -p '{"spec":{"template":{"spec":{"topologySpreadConstraints":[{"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"api"}}}]}}}}'
kubectl -n shop rollout status deployment/api --timeout=90s
kubectl -n shop wait --for=jsonpath='{.status.replicas}'=6 deployment/api --timeout=90s
old=$(kubectl -n shop get pods -l 'app=api,pod-template-hash=6c9f7d84b5' -o name)
for pod in $old; do
  kubectl -n shop wait --for=delete "$pod" --timeout=90s
done
for node in worker-2 worker-3; do
  pod=$(kubectl -n shop get pods -l app=api --field-selector "spec.nodeName=$node" -o jsonpath='{.items[0].metadata.name}')
  kubectl create --raw "/api/v1/namespaces/shop/pods/$pod/eviction" -f - <<EVICTION
{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"namespace": "shop", "name": "$pod"}}
EVICTION
  kubectl -n shop wait --for=delete "pod/$pod" --timeout=90s
  kubectl -n shop rollout status deployment/api --timeout=90s
done
