# fails: control-plane
# Somebody still uses the old API, and the gate stays shut. So far so good; but nothing was upgraded.
set -eu
kubectl apply --server-side --force-conflicts -f - <<'MANIFEST'
apiVersion: storage.k8s.io/v1beta1
kind: VolumeAttributesClass
metadata: {name: fast}
driverName: disk.csi.example.com
parameters: {iops: "5000"}
MANIFEST
! k8slab cluster upgrade
