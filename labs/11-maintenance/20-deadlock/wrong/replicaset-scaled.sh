# fails: never-below
# The Deployment corrects its ReplicaSet at once. The pods are gone all the same.
set -eu
old=$(kubectl -n shop get pods -l app=web -o name)
kubectl cordon worker-3
kubectl -n shop scale replicaset -l app=web --replicas=0
for pod in $old; do
  kubectl -n shop wait --for=delete "$pod" --timeout=90s
done
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
