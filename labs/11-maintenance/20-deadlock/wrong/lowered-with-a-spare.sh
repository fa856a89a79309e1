# fails: floor-all-along
# With three pods it would have worked as it was; with the floor down, nobody made sure of it.
set -eu
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl -n shop patch pdb web --type=merge -p '{"spec":{"minAvailable":null,"maxUnavailable":"100%"}}'
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop patch pdb web --type=merge -p '{"spec":{"minAvailable":2,"maxUnavailable":null}}'
kubectl -n shop rollout status deployment/web --timeout=90s
