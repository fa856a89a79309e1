# fails: checkout-replicas
set -eu
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
kubectl -n shop patch pdb banner -p '{"spec":{"selector":{"matchLabels":{"app":"banner"}}}}'
kubectl -n shop scale deployment checkout --replicas=2
kubectl -n shop rollout status deployment/checkout --timeout=90s
