set -eu
# More careful: v1alpha1 is no longer served before it goes, so that a caller who was overlooked shows up while there is a way back.
kubectl patch crd coupons.shop.example.com --type=json -p '[{"op":"replace","path":"/spec/versions/0/served","value":false}]'
migrate() {
kubectl apply -f - <<MIGRATION
apiVersion: storagemigration.k8s.io/v1
kind: StorageVersionMigration
metadata:
  name: $1
  labels: {team: shop}
spec:
  resource: {group: shop.example.com, resource: coupons}
MIGRATION
kubectl wait --for=condition=Succeeded storageversionmigration/$1 --timeout=$2
}
# The controller reads every 30 seconds what is served. A migration that it began with v1alpha1 in mind has failed, and is not tried again.
migrate nightly-coupons 45s || migrate later-coupons 120s
kubectl wait --for=jsonpath='{.status.storedVersions[0]}'=v1 crd/coupons.shop.example.com --timeout=60s
kubectl patch crd coupons.shop.example.com --type=json -p '[{"op":"remove","path":"/spec/versions/0"}]'
