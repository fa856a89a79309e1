# fails: stopped
# An eviction that brings its own grace period, of nothing.
set -eu
kubectl -n shop patch deployment orders -p '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":60}}}}'
kubectl -n shop rollout status deployment/orders --timeout=90s
pod=$(kubectl -n shop get pods -l app=orders --sort-by=.metadata.creationTimestamp -o jsonpath='{.items[-1:].metadata.name}')
node=$(kubectl -n shop get pod "$pod" -o jsonpath='{.spec.nodeName}')
kubectl drain "$node" --ignore-daemonsets --pod-selector=app=orders --grace-period=0 --force --timeout=90s
kubectl uncordon "$node"
