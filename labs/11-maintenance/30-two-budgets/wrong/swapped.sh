# fails: checkout-floor
# Each budget guards the other's pods: two of two banners must stay, and one of three checkouts may go.
set -eu
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"banner"}}}}'
kubectl -n shop patch pdb banner -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
