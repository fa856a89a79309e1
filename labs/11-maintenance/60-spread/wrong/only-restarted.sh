# fails: constraint
# It may look well afterwards, by the scheduler's preference. Nobody has asked for it to stay so.
set -eu
kubectl -n shop rollout restart deployment/api
kubectl -n shop rollout status deployment/api --timeout=90s
