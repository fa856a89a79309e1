# fails: always-allow
set -eu
kubectl -n shop patch pdb search -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
