# fails: budget-kept
set -eu
kubectl -n shop patch deployment orders -p '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":60}}}}'
kubectl -n shop rollout status deployment/orders --timeout=90s
kubectl -n shop patch pdb orders -p '{"spec":{"maxUnavailable":2}}'
