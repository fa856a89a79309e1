# fails: migrated
# Each coupon is written once, and so stored as v1. But nobody keeps the record of it, and storedVersions stays as it was.
set -eu
for coupon in welcome autumn staff; do
  kubectl -n shop get coupon "$coupon" -o yaml | kubectl replace -f -
done
! kubectl patch crd coupons.shop.example.com --type=json -p '[{"op":"remove","path":"/spec/versions/0"}]'
