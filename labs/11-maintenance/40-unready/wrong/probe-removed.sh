# fails: template-search
# Without a probe every pod passes for ready, and the budget is content with pods that serve nobody.
set -eu
kubectl -n shop patch deployment search --type=json -p '[{"op":"remove","path":"/spec/template/spec/containers/0/readinessProbe"}]'
kubectl -n shop rollout status deployment/search --timeout=90s
