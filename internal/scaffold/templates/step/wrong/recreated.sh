# fails: same-web
# Deleting it and creating it again leaves nobody to serve in between.
set -eu
kubectl -n practice delete deployment web
kubectl -n practice create deployment web --image=registry.test/web:1 --replicas=3
kubectl -n practice rollout status deployment/web --timeout=60s
