# fails: throughout
# Where nothing runs, nothing has to be evicted. In the end all is well; in between the shop was closed.
set -eu
kubectl -n shop scale deployment web --replicas=0
kubectl -n shop wait --for=delete pod -l app=web --timeout=60s
for node in blue-1 blue-2 green-1 green-2; do
  k8slab node upgrade "$node"
  kubectl wait --for=condition=Ready "node/$node" --timeout=60s
done
kubectl -n shop scale deployment web --replicas=4
kubectl -n shop rollout status deployment/web --timeout=60s
