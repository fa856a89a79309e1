# fails: control-plane
set -eu
k8slab cluster upgrade --dry-run
