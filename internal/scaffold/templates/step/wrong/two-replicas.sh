# fails: three-replicas
# More than before, but not enough.
set -eu
kubectl -n practice scale deployment web --replicas=2
kubectl -n practice rollout status deployment/web --timeout=60s
