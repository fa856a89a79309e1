# fails: never-below
set -eu
kubectl -n shop scale deployment search --replicas=0
kubectl -n shop scale deployment search --replicas=2
kubectl -n shop patch pdb search feed --type=merge -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
