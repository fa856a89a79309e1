# fails: not-deleted
set -eu
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl cordon worker-3
kubectl -n shop delete pod -l app=web --field-selector spec.nodeName=worker-3 --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
