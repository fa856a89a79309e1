# fails: migrated
# The API server refuses: something is stored as v1alpha1 still. It does not say that it will see to it.
set -eu
! kubectl patch crd coupons.shop.example.com --type=json -p '[{"op":"remove","path":"/spec/versions/0"}]'
