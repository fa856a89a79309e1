# fails: nothing-upgraded
# A node that is upgraded is no longer too old. It was to be surveyed.
set -eu
k8slab node upgrade blue-1
kubectl label nodes blue-1 blue-2 green-1 skew=ok
kubectl label node green-2 skew=bad
