# fails: same-objects
# Between deleting and creating, nothing guards the pods.
set -eu
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl -n shop delete pdb web
kubectl -n shop create poddisruptionbudget web --min-available=2 --selector=app=web
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
