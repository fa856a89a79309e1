# fails: grace
# 40 seconds for the application, and none for the pause before it.
set -eu
kubectl -n shop patch deployment orders -p '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":40}}}}'
kubectl -n shop rollout status deployment/orders --timeout=90s
