set -eu
# Somebody still uses the old API, and the upgrade is refused. A minute after the last call it is not.
cat > old.yaml <<'MANIFEST'
apiVersion: storage.k8s.io/v1beta1
kind: VolumeAttributesClass
metadata: {name: fast}
driverName: disk.csi.example.com
parameters: {iops: "5000"}
MANIFEST
kubectl apply --server-side --force-conflicts -f old.yaml
! k8slab cluster upgrade
tries=0
until k8slab cluster upgrade; do
  tries=$((tries + 1))
  [ "$tries" -lt 20 ]
  sleep 5
done
