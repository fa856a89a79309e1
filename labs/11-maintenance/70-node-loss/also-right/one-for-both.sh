set -eu
# One toleration for every NoExecute taint, and a budget that says the same in other words.
kubectl -n shop patch pdb sessions --type=merge -p '{"spec":{"minAvailable":null,"maxUnavailable":0}}'
kubectl -n shop patch deployment sessions -p '{"spec":{"template":{"spec":{"tolerations":[{"operator":"Exists","effect":"NoExecute","tolerationSeconds":30}]}}}}'
kubectl -n shop rollout status deployment/sessions --timeout=90s
pod=$(kubectl -n shop get pods -l app=sessions --field-selector spec.nodeName=worker-4 --sort-by=.metadata.creationTimestamp -o jsonpath='{.items[-1:].metadata.name}')
k8slab node stop worker-4
kubectl wait --for=condition=Ready=Unknown node/worker-4 --timeout=90s
kubectl -n shop wait --for=jsonpath='{.metadata.deletionTimestamp}' "pod/$pod" --timeout=60s
kubectl -n shop rollout status deployment/sessions --timeout=60s
