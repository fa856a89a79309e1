# fails: grace
# The API server refuses it, and nothing has changed.
set -eu
if kubectl -n shop patch deployment orders -p '{"spec":{"template":{"spec":{"containers":[{"name":"orders","lifecycle":{"preStop":{"sleep":{"seconds":60}}}}]}}}}'; then
  echo "the API server took a pause that is longer than the grace period" >&2
  exit 1
fi
