set -eu
k8slab cluster upgrade --dry-run
k8slab cluster upgrade
