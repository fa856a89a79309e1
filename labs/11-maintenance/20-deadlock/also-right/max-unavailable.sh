set -eu
# One of three may be missing: the floor is still two, and it moves along when somebody scales.
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl -n shop patch pdb web --type=merge -p '{"spec":{"minAvailable":null,"maxUnavailable":1}}'
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
