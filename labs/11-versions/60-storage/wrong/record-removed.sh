# fails: migrated
# Who tidies up at once takes away the proof.
set -eu
kubectl create -f - <<'MIGRATION'
apiVersion: storagemigration.k8s.io/v1
kind: StorageVersionMigration
metadata:
  name: coupons
spec:
  resource: {group: shop.example.com, resource: coupons}
MIGRATION
kubectl wait --for=condition=Succeeded storageversionmigration/coupons --timeout=150s
kubectl wait --for=jsonpath='{.status.storedVersions[0]}'=v1 crd/coupons.shop.example.com --timeout=60s
kubectl patch crd coupons.shop.example.com --type=json -p '[{"op":"remove","path":"/spec/versions/0"}]'
kubectl delete storageversionmigration coupons
