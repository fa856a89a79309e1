# fails: floor
# An empty selector guards the agents too, and two of them are enough for the floor.
set -eu
kubectl -n shop patch pdb web --type=json -p '[{"op":"replace","path":"/spec/selector","value":{}}]'
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
