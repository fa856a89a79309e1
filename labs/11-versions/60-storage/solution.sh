set -eu
kubectl create -f - <<'MIGRATION'
apiVersion: storagemigration.k8s.io/v1
kind: StorageVersionMigration
metadata:
  name: coupons
spec:
  resource:
    group: shop.example.com
    resource: coupons
MIGRATION
kubectl wait --for=condition=Succeeded storageversionmigration/coupons --timeout=150s
kubectl wait --for=jsonpath='{.status.storedVersions[0]}'=v1 crd/coupons.shop.example.com --timeout=60s
kubectl patch crd coupons.shop.example.com --type=json -p '[
  {"op":"test","path":"/spec/versions/0/name","value":"v1alpha1"},
  {"op":"remove","path":"/spec/versions/0"}]'

