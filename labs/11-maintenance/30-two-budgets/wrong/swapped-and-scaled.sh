# fails: checkout-floor
# With one more banner all evictions are allowed and all numbers look right, yet each budget guards the pods of the other team.
set -eu
kubectl -n shop scale deployment banner --replicas=3
kubectl -n shop rollout status deployment/banner --timeout=90s
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"banner"}}}}'
kubectl -n shop patch pdb banner -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
