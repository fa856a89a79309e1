set -eu
for node in blue-1 blue-2 green-1 green-2; do
  kubectl drain "$node" --ignore-daemonsets --timeout=120s
  k8slab node upgrade "$node"
  kubectl wait --for=condition=Ready "node/$node" --timeout=60s
  kubectl uncordon "$node"
done
kubectl -n shop rollout status deployment/web --timeout=60s
