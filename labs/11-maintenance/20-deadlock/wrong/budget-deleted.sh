# fails: floor
set -eu
kubectl -n shop delete pdb web
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
