# fails: cart-by-eviction
# One pod of the cart is helped along by hand.
set -eu
kubectl cordon -l agentpool=blue
kubectl -n shop patch deployment cart --type=json -p '[{"op":"remove","path":"/spec/template/spec/nodeSelector"}]'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl -n shop delete $(kubectl -n shop get pods -l app=cart -o name | head -n 1) --timeout=60s
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl drain -l agentpool=blue --ignore-daemonsets --timeout=120s
kubectl -n shop rollout status deployment/web --timeout=60s
kubectl delete node -l agentpool=blue --timeout=60s
