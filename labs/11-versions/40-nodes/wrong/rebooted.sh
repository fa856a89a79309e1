# fails: kubelets
# A reboot is no upgrade: the machine comes back with the kubelet that it had.
set -eu
for node in blue-1 blue-2; do
  kubectl drain "$node" --ignore-daemonsets --timeout=120s
  k8slab node reboot "$node"
  kubectl wait --for=condition=Ready "node/$node" --timeout=90s
  kubectl uncordon "$node"
done
