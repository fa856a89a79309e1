# fails: recovered
# A drain is the one disruption that announces itself.
set -eu
kubectl -n shop patch deployment sessions -p '{"spec":{"template":{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":20},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":20}]}}}}'
kubectl -n shop rollout status deployment/sessions --timeout=90s
kubectl cordon worker-4
pod=$(kubectl -n shop get pods -l app=sessions --field-selector spec.nodeName=worker-4 --sort-by=.metadata.creationTimestamp -o jsonpath='{.items[-1:].metadata.name}')
kubectl -n shop delete pod "$pod"
kubectl uncordon worker-4
