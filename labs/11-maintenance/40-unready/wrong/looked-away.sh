# fails: floor-search
set -eu
kubectl -n shop patch pdb search feed --type=merge -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
kubectl -n shop patch pdb search -p '{"spec":{"selector":{"matchLabels":{"app":"serach"}}}}'
