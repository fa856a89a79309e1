set -eu
kubectl -n shop patch deployment orders -p '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":60}}}}'
kubectl -n shop rollout status deployment/orders --timeout=90s
node=$(kubectl -n shop get pods -l app=orders --sort-by=.metadata.creationTimestamp -o jsonpath='{.items[-1:].spec.nodeName}')
kubectl drain "$node" --ignore-daemonsets --pod-selector=app=orders --timeout=120s
kubectl uncordon "$node"
