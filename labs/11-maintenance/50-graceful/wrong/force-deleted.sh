# fails: stopped
# Gone from the list at once, and nobody knows whether it has stopped.
set -eu
kubectl -n shop patch deployment orders -p '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":60}}}}'
kubectl -n shop rollout status deployment/orders --timeout=90s
pod=$(kubectl -n shop get pods -l app=orders --sort-by=.metadata.creationTimestamp -o jsonpath='{.items[-1:].metadata.name}')
kubectl -n shop delete pod "$pod" --grace-period=0 --force
