# fails: banner-floor
set -eu
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
kubectl -n shop patch pdb banner -p '{"spec":{"selector":{"matchLabels":{"app":"banner"}}}}'
kubectl -n shop patch pdb banner -p '{"spec":{"minAvailable":0}}'
