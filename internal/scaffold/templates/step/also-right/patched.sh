# The field can be set by any means.
set -eu
kubectl -n practice patch deployment web --type=merge --patch '{"spec":{"replicas":3}}'
kubectl -n practice rollout status deployment/web --timeout=60s
