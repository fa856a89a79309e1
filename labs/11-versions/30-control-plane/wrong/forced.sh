# fails: not-forced
# The gate names who still uses the old API. --force does not make them use another one.
set -eu
kubectl apply --server-side --force-conflicts -f - <<'MANIFEST'
apiVersion: storage.k8s.io/v1beta1
kind: VolumeAttributesClass
metadata: {name: fast}
driverName: disk.csi.example.com
parameters: {iops: "5000"}
MANIFEST
k8slab cluster upgrade --force
