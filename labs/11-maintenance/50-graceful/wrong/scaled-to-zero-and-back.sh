# fails: never-below
set -eu
kubectl -n shop scale deployment orders --replicas=0
kubectl -n shop patch deployment orders -p '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":60}}}}'
kubectl -n shop rollout status deployment/orders --timeout=90s
kubectl -n shop scale deployment orders --replicas=2
kubectl -n shop rollout status deployment/orders --timeout=90s
