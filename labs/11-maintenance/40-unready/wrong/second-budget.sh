# fails: unready-evictable
# A budget "for everything that is broken" beside the others: two of them for one pod, and the answer is 500.
set -eu
kubectl -n shop patch pdb search -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
kubectl -n shop patch pdb feed -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
kubectl apply -f - <<'MANIFEST'
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: broken, namespace: shop}
spec:
  minAvailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector: {matchLabels: {app: search}}
MANIFEST
