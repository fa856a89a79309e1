# fails: control-plane
# One minor release at a time. There is no short cut to 1.38.
set -eu
! k8slab cluster upgrade --to 1.38
