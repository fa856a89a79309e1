# fails: available
# The number is right, but the new pods find no node.
set -eu
kubectl cordon --selector=kubernetes.io/hostname
kubectl -n practice scale deployment web --replicas=3
