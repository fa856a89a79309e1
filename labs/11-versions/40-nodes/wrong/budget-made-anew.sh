# fails: same-objects
# Out of the way, and back again.
set -eu
kubectl -n shop get pdb web -o yaml > web.yaml
kubectl -n shop delete pdb web
up() {
  kubectl drain "$1" --ignore-daemonsets --timeout=120s
  k8slab node upgrade "$1"
  kubectl wait --for=condition=Ready "node/$1" --timeout=60s
  kubectl uncordon "$1"
}
for node in blue-1 blue-2 green-1 green-2; do
  up "$node"
  kubectl -n shop rollout status deployment/web --timeout=60s
done
kubectl -n shop create poddisruptionbudget web --min-available=3 --selector=app=web
