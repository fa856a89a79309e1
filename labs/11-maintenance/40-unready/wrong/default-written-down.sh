# fails: always-allow
# The default in so many words is still the default.
set -eu
kubectl -n shop patch pdb search -p '{"spec":{"unhealthyPodEvictionPolicy":"IfHealthyBudget"}}'
kubectl -n shop patch pdb feed -p '{"spec":{"unhealthyPodEvictionPolicy":"IfHealthyBudget"}}'
