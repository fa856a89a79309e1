set -eu
# A percentage of the wanted replicas: half of four is two.
kubectl -n shop scale deployment web --replicas=4
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl -n shop patch pdb web -p '{"spec":{"minAvailable":"50%"}}'
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
