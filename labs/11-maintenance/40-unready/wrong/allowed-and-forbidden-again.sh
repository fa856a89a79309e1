# fails: always-allow
set -eu
kubectl -n shop patch pdb search -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
kubectl -n shop patch pdb feed -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
kubectl -n shop patch pdb feed -p '{"spec":{"unhealthyPodEvictionPolicy":null}}'
