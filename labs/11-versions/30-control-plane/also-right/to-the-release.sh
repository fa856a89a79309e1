set -eu
# Named by its release, and looked at from the outside: the server is another one, the objects are not.
kubectl get volumeattributesclass fast -o jsonpath='{.metadata.uid}' > before.txt
k8slab cluster upgrade --to 1.37
kubectl get volumeattributesclass fast -o jsonpath='{.metadata.uid}' | cmp - before.txt
