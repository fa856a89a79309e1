# fails: short-patience
# A kubelet that reports trouble is "not ready". A machine without power is "unreachable".
set -eu
kubectl -n shop patch deployment sessions -p '{"spec":{"template":{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":20}]}}}}'
kubectl -n shop rollout status deployment/sessions --timeout=90s
