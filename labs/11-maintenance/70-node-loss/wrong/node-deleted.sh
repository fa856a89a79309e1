# fails: node-kept
# Without the Node object its pods are cleaned up soon, and the cluster has forgotten a machine that may be back in a minute.
set -eu
k8slab node stop worker-4
kubectl delete node worker-4
