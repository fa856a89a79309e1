# fails: template-feed
set -eu
kubectl -n shop patch pdb search feed --type=merge -p '{"spec":{"unhealthyPodEvictionPolicy":"AlwaysAllow"}}'
kubectl -n shop patch statefulset feed --type=json -p '[{"op":"remove","path":"/spec/template/spec/containers/0/readinessProbe"}]'
kubectl -n shop rollout status statefulset/feed --timeout=90s
