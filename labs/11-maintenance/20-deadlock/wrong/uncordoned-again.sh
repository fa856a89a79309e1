# fails: cordoned
set -eu
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl uncordon worker-3
kubectl -n shop rollout status deployment/web --timeout=90s
