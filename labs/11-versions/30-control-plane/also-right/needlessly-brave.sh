set -eu
# Where nothing stands in the way there is nothing to ignore, whatever the flags say.
k8slab cluster upgrade --force
