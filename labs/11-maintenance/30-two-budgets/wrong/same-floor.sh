# fails: one-per-pod
# Making both budgets say the same does not help: it is their number that the API server minds.
set -eu
kubectl -n shop patch pdb banner -p '{"spec":{"minAvailable":2}}'
