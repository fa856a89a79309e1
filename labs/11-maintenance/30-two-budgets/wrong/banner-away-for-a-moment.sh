# fails: never-below
# No pods, no overlap; and no banner either until the budgets are done.
set -eu
kubectl -n shop scale deployment banner --replicas=0
kubectl -n shop wait --for=delete pod -l app=banner --timeout=90s
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
kubectl -n shop patch pdb banner -p '{"spec":{"selector":{"matchLabels":{"app":"banner"}}}}'
kubectl -n shop scale deployment banner --replicas=2
kubectl -n shop rollout status deployment/banner --timeout=90s
