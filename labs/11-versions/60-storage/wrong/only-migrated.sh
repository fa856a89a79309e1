# fails: versions
# All coupons are stored as v1, and the old version is kept up for ever.
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
