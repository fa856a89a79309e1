# fails: coupons-kept
# What is created again is stored as v1, too. But they are other coupons: whoever refers to the old ones by UID has lost them.
set -eu
for coupon in welcome autumn staff; do
  kubectl -n shop get coupon "$coupon" -o yaml > "$coupon.yaml"
  kubectl replace --force -f "$coupon.yaml" --timeout=90s
done
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
