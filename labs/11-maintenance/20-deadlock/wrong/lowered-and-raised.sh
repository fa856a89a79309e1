# fails: floor-all-along
# Lowered for the drain, raised again before anybody looks.
set -eu
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":1}}'
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":2}}'
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
