# fails: no-status-by-hand
# The API server believes what the status says, and lets go of v1alpha1. From then on it cannot read the coupons.
set -eu
kubectl patch crd coupons.shop.example.com --subresource=status --type=merge -p '{"status":{"storedVersions":["v1"]}}'
kubectl patch crd coupons.shop.example.com --type=json -p '[{"op":"remove","path":"/spec/versions/0"}]'
! kubectl -n shop get coupons
