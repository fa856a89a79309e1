# fails: banner-evictable
set -eu
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
kubectl -n shop patch pdb banner -p '{"spec":{"selector":{"matchLabels":{"app":"banner"}}}}'
kubectl -n shop patch pdb banner --type=merge -p '{"spec":{"minAvailable":null,"maxUnavailable":0}}'
