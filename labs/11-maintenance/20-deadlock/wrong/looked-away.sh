# fails: floor-all-along
# The budget guarded somebody else while the pods went.
set -eu
kubectl -n shop patch pdb web --type=json -p '[{"op":"replace","path":"/spec/selector","value":{"matchLabels":{"app":"wbe"}}}]'
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop patch pdb web --type=json -p '[{"op":"replace","path":"/spec/selector","value":{"matchLabels":{"app":"web"}}}]'
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
