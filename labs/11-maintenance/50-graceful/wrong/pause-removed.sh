# fails: pause-kept
# It leaves all the time to the application, and turns away the requests that still arrive.
set -eu
kubectl -n shop patch deployment orders --type=json -p '[
  {"op":"replace","path":"/spec/template/spec/terminationGracePeriodSeconds","value":45},
  {"op":"remove","path":"/spec/template/spec/containers/0/lifecycle"}]'
kubectl -n shop rollout status deployment/orders --timeout=90s
