# fails: open-again
# Upgraded, empty, and closed for ever.
set -eu
up() {
  kubectl drain "$1" --ignore-daemonsets --timeout=120s
  k8slab node upgrade "$1"
  kubectl wait --for=condition=Ready "node/$1" --timeout=60s
  kubectl uncordon "$1"
}
for node in blue-1 blue-2 green-1; do
  up "$node"
done
kubectl drain green-2 --ignore-daemonsets --timeout=120s
k8slab node upgrade green-2
