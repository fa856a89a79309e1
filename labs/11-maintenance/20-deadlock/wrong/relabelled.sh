# fails: floor-all-along
# Without its label the pod no longer counts for the budget, nor for the Service, and may go.
set -eu
pod=$(kubectl -n shop get pods -l app=web --field-selector spec.nodeName=worker-3 -o name)
kubectl cordon worker-3
kubectl -n shop label "$pod" app=retired --overwrite
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --force --timeout=90s
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
