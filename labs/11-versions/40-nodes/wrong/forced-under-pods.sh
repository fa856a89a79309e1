# fails: emptied
# --force is for those who have looked. Here the pods of web were still on the node when its kubelet went away.
set -eu
up() {
  kubectl drain "$1" --ignore-daemonsets --timeout=120s
  k8slab node upgrade "$1"
  kubectl wait --for=condition=Ready "node/$1" --timeout=60s
  kubectl uncordon "$1"
}
k8slab node upgrade blue-1 --force
kubectl wait --for=condition=Ready node/blue-1 --timeout=60s
kubectl -n shop rollout status deployment/web --timeout=60s
for node in blue-2 green-1 green-2; do
  up "$node"
done
