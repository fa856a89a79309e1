# fails: healthy-guarded
# Pods that only wear the label make the budget healthy, and then it lets go of the one pod that serves.
set -eu
for i in 1 2; do
  kubectl -n shop run "decoy-$i" --image=ghcr.io/k8slab/shop-feed:1.4 --labels=app=feed
done
kubectl -n shop wait --for=condition=Ready pod/decoy-1 pod/decoy-2 --timeout=90s
kubectl -n shop patch pdb search feed --type=merge -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
