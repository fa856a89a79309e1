set -eu
# No drain at all: a rollout replaces the pod before the old one goes, and the new one cannot come back.
pod=$(kubectl -n shop get pods -l app=cart -o name)
kubectl cordon worker-2
kubectl -n shop rollout restart deployment/cart
kubectl -n shop rollout status deployment/cart --timeout=90s
kubectl -n shop wait --for=delete "$pod" --timeout=90s
kubectl -n shop delete pod debug-mia --timeout=90s
