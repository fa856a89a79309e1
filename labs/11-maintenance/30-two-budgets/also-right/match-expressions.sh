set -eu
# banner keeps guarding the rest of the frontend, whatever joins it later.
kubectl -n shop patch pdb checkout --type=merge -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
kubectl -n shop patch pdb banner --type=merge -p '{"spec":{"selector":{"matchExpressions":[{"key":"app","operator":"NotIn","values":["checkout"]}]}}}'
