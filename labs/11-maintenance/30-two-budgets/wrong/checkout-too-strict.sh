# fails: checkout-evictable
# Three of three: the conflict is gone, and the deadlock of the step before is back.
set -eu
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
kubectl -n shop patch pdb banner -p '{"spec":{"selector":{"matchLabels":{"app":"banner"}}}}'
kubectl -n shop patch pdb checkout -p '{"spec":{"minAvailable":3}}'
