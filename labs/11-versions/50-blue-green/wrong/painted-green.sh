# fails: on-green
# A label does not make a new node of an old one.
set -eu
kubectl label node blue-1 blue-2 agentpool=green --overwrite
kubectl label node green-1 green-2 agentpool=blue --overwrite
kubectl -n shop patch deployment cart -p '{"spec":{"template":{"spec":{"nodeSelector":{"agentpool":"green"}}}}}'
kubectl -n shop rollout status deployment/cart --timeout=60s
