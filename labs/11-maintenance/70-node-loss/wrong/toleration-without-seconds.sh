# fails: short-patience
# It tolerates the loss for ever, and the pod stays on the dead node for ever.
set -eu
kubectl -n shop patch deployment sessions -p '{"spec":{"template":{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute"},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute"}]}}}}'
kubectl -n shop rollout status deployment/sessions --timeout=90s
