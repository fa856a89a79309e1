# fails: throughout
# The floor was down while the nodes were drained, two at a time, and is up again before anybody looks.
set -eu
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":1}}'
kubectl -n shop wait --for=jsonpath='{.status.disruptionsAllowed}'=3 pdb/web --timeout=60s
for pool in blue green; do
  kubectl drain -l "agentpool=$pool" --ignore-daemonsets --timeout=120s
  for node in "$pool-1" "$pool-2"; do
    k8slab node upgrade "$node"
    kubectl wait --for=condition=Ready "node/$node" --timeout=60s
  done
  kubectl uncordon -l "agentpool=$pool"
  kubectl -n shop rollout status deployment/web --timeout=60s
done
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":3}}'
