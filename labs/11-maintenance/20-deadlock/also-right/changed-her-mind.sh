set -eu
# A floor that was lowered and put back before anybody was evicted has harmed nobody; nor has a spare that was taken back.
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":1}}'
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":2}}'
kubectl -n shop scale deployment web --replicas=5
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
