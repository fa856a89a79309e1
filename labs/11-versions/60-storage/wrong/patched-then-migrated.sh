# fails: no-status-by-hand
# It ends well only because the order was a lucky one.
set -eu
kubectl patch crd coupons.shop.example.com --subresource=status --type=merge -p '{"status":{"storedVersions":["v1"]}}'
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
