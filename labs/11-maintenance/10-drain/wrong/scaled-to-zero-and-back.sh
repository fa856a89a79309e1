# fails: never-without
# The cart is back at the end. Those who wanted to buy something in between are not.
set -eu
kubectl cordon worker-2
kubectl -n shop scale deployment cart --replicas=0
kubectl -n shop wait --for=delete pod -l app=cart --timeout=90s
kubectl drain worker-2 --ignore-daemonsets --force --timeout=90s
kubectl -n shop scale deployment cart --replicas=1
kubectl -n shop rollout status deployment/cart --timeout=90s
