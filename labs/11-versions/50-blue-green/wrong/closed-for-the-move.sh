# fails: web-throughout
# Nothing has to be moved that does not run.
set -eu
kubectl cordon -l agentpool=blue
kubectl -n shop patch deployment cart -p '{"spec":{"template":{"spec":{"nodeSelector":{"agentpool":"green"}}}}}'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl -n shop scale deployment web --replicas=0
kubectl -n shop wait --for=delete pod -l app=web --timeout=60s
kubectl drain -l agentpool=blue --ignore-daemonsets --timeout=120s
kubectl delete node -l agentpool=blue --timeout=60s
kubectl -n shop scale deployment web --replicas=4
kubectl -n shop rollout status deployment/web --timeout=60s
