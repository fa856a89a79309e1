# fails: never-below
# Where nothing runs, nothing has to move. In the end everything is there; in between the shop was closed.
set -eu
kubectl -n shop scale deployment web --replicas=0
kubectl -n shop wait --for=delete pod -l app=web --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
