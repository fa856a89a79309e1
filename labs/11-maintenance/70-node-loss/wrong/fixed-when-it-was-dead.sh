# fails: recovered
# The machine is off already when the template changes. It is the rollout that brings the pods back, and it took a person.
set -eu
k8slab node stop worker-4
kubectl wait --for=condition=Ready=Unknown node/worker-4 --timeout=90s
kubectl -n shop patch deployment sessions -p '{"spec":{"template":{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":20},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":20}]}}}}'
kubectl -n shop wait --for=jsonpath='{.status.updatedReplicas}'=4 deployment/sessions --timeout=60s
kubectl -n shop rollout status deployment/sessions --timeout=60s
