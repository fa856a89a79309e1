# fails: floor-feed
# With a floor of one the budget is healthy, and lets the others go even by default.
set -eu
kubectl -n shop patch pdb search -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
kubectl -n shop patch pdb feed -p '{"spec":{"minAvailable":1}}'
