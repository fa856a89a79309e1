# fails: never-below
# The Deployment is the same one and makes the same ReplicaSet again, but all its pods were gone at once.
set -eu
old=$(kubectl -n shop get pods -l app=web -o name)
kubectl cordon worker-3
kubectl -n shop delete replicaset -l app=web --timeout=90s
for pod in $old; do
  kubectl -n shop wait --for=delete "$pod" --timeout=90s
done
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
