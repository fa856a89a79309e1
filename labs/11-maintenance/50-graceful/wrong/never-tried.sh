# fails: stopped
# Nobody has seen it work.
set -eu
kubectl -n shop patch deployment orders -p '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":60}}}}'
kubectl -n shop rollout status deployment/orders --timeout=90s
