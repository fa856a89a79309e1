# fails: floor
# The budget is still there and guards nobody.
set -eu
kubectl -n shop patch pdb web --type=merge -p '{"spec":{"selector":{"matchLabels":{"app":"wbe"}}}}'
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
