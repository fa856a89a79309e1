set -eu
# The cart may go anywhere from now on; one node after the other leaves.
kubectl -n shop patch deployment cart --type=json -p '[{"op":"remove","path":"/spec/template/spec/nodeSelector"}]'
for node in blue-1 blue-2; do
  kubectl cordon "$node"
done
for node in blue-1 blue-2; do
  kubectl drain "$node" --ignore-daemonsets --timeout=120s
  kubectl delete node "$node" --timeout=60s
done
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl -n shop rollout status deployment/web --timeout=60s
