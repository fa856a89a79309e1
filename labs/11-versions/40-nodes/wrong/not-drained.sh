# fails: kubelets
# A node in use is refused. So far nobody was harmed, and nothing was upgraded.
set -eu
kubectl cordon blue-1
! k8slab node upgrade blue-1
kubectl uncordon blue-1
