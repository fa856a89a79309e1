# fails: floor-all-along
# Deleting the pod on the other node leaves one where two were promised.
set -eu
kubectl -n shop delete pod -l app=web --field-selector spec.nodeName=worker-4 --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
