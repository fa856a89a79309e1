set -eu
kubectl -n practice scale deployment web --replicas=3
kubectl -n practice rollout status deployment/web --timeout=60s
