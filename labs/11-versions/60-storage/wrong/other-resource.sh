# fails: migrated
# A migration, but of something else.
set -eu
kubectl create -f - <<'MIGRATION'
apiVersion: storagemigration.k8s.io/v1
kind: StorageVersionMigration
metadata:
  name: coupons
spec:
  resource: {group: "", resource: configmaps}
MIGRATION
kubectl wait --for=condition=Succeeded storageversionmigration/coupons --timeout=150s
