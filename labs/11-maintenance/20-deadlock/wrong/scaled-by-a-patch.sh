# fails: never-below
# The same as a JSON patch of the Deployment itself.
set -eu
kubectl -n shop patch deployment web --type=json -p '[{"op":"replace","path":"/spec/replicas","value":0}]'
kubectl -n shop wait --for=delete pod -l app=web --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
