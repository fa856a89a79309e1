# fails: short-patience
# A budget is asked by those who evict. A machine that dies evicts nobody.
set -eu
kubectl -n shop patch pdb sessions --type=merge -p '{"spec":{"minAvailable":null,"maxUnavailable":0}}'
