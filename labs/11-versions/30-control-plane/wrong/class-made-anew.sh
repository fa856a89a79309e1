# fails: same-objects
# "Nothing of v1beta1 must be left": but the object never was of a version.
set -eu
kubectl delete volumeattributesclass fast --timeout=90s
kubectl wait --for=create volumeattributesclass/fast --timeout=90s
k8slab cluster upgrade
