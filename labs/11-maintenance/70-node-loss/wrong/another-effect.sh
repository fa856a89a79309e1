# fails: short-patience
# Tolerations of NoSchedule say nothing about pods that are there already.
set -eu
kubectl -n shop patch deployment sessions -p '{"spec":{"template":{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoSchedule"},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoSchedule"}]}}}}'
kubectl -n shop rollout status deployment/sessions --timeout=90s
