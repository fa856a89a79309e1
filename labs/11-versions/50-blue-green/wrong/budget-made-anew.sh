# fails: same-objects
# Between deleting and creating nothing guards the pods.
set -eu
kubectl -n shop delete pdb cart
kubectl cordon -l agentpool=blue
kubectl -n shop patch deployment cart -p '{"spec":{"template":{"spec":{"nodeSelector":{"agentpool":"green"}}}}}'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl drain -l agentpool=blue --ignore-daemonsets --timeout=120s
kubectl -n shop rollout status deployment/web --timeout=60s
kubectl delete node -l agentpool=blue --timeout=60s
kubectl -n shop create poddisruptionbudget cart --min-available=1 --selector=app=cart
