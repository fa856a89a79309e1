# fails: on-green
# One node is done, and the other one looks so much like it.
set -eu
kubectl cordon -l agentpool=blue
kubectl -n shop patch deployment cart --type=json -p '[{"op":"remove","path":"/spec/template/spec/nodeSelector"}]'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl drain blue-1 --ignore-daemonsets --timeout=120s
kubectl delete node blue-1 --timeout=60s
kubectl -n shop rollout status deployment/web --timeout=60s
