# fails: banner-replicas
set -eu
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
kubectl -n shop patch pdb banner -p '{"spec":{"selector":{"matchLabels":{"app":"banner"}}}}'
kubectl -n shop scale deployment banner --replicas=1
kubectl -n shop rollout status deployment/banner --timeout=90s
