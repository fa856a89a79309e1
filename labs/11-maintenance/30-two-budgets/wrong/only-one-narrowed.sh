# fails: one-per-pod
# banner still takes in the whole frontend.
set -eu
kubectl -n shop patch pdb checkout -p '{"spec":{"selector":{"matchLabels":{"app":"checkout"}}}}'
