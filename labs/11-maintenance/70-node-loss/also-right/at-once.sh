set -eu
# No patience at all.
kubectl -n shop patch deployment sessions -p '{"spec":{"template":{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":0},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":0}]}}}}'
kubectl -n shop rollout status deployment/sessions --timeout=90s
pod=$(kubectl -n shop get pods -l app=sessions --field-selector spec.nodeName=worker-4 --sort-by=.metadata.creationTimestamp -o jsonpath='{.items[-1:].metadata.name}')
k8slab node stop worker-4
kubectl wait --for=condition=Ready=Unknown node/worker-4 --timeout=90s
kubectl -n shop wait --for=jsonpath='{.metadata.deletionTimestamp}' "pod/$pod" --timeout=60s
kubectl -n shop rollout status deployment/sessions --timeout=60s
