# fails: same-objects
set -eu
old=$(kubectl -n shop get pods -l app=web -o name)
kubectl cordon worker-3
kubectl -n shop delete deployment web --timeout=90s
for pod in $old; do
  kubectl -n shop wait --for=delete "$pod" --timeout=90s
done
kubectl -n shop create deployment web --image=ghcr.io/k8slab/shop-web:1.4 --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
