# fails: control-plane
# A kubelet is never newer than its API server, so this is refused.
set -eu
kubectl drain green-2 --ignore-daemonsets --delete-emptydir-data --timeout=90s
! k8slab node upgrade green-2 --to 1.37
kubectl uncordon green-2
