set -eu
# A spare pod first, so that no eviction has to wait; and a whole pool closed at once, since the other one can carry the shop.
kubectl -n shop scale deployment web --replicas=5
kubectl -n shop rollout status deployment/web --timeout=60s
for pool in blue green; do
  kubectl cordon -l "agentpool=$pool"
  kubectl drain -l "agentpool=$pool" --ignore-daemonsets --timeout=150s
  for node in "$pool-1" "$pool-2"; do
    k8slab node upgrade "$node"
    kubectl wait --for=condition=Ready "node/$node" --timeout=60s
  done
  kubectl uncordon -l "agentpool=$pool"
done
kubectl -n shop scale deployment web --replicas=4
kubectl -n shop rollout status deployment/web --timeout=60s
