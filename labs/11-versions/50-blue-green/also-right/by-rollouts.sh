set -eu
# No eviction is needed where a rollout makes the new pod before the old one goes. web says where it wants to be, too.
kubectl cordon blue-1 blue-2
kubectl -n shop patch deployment cart -p '{"spec":{"template":{"spec":{"nodeSelector":{"agentpool":"green"}}}}}'
kubectl -n shop patch deployment web --type=merge -p '{"spec":{"template":{"spec":{"affinity":null,"nodeSelector":{"agentpool":"green"}}},"strategy":{"rollingUpdate":{"maxUnavailable":0,"maxSurge":2}}}}'
kubectl -n shop rollout status deployment/cart --timeout=60s
kubectl -n shop rollout status deployment/web --timeout=60s
kubectl -n shop wait --for=delete pod --field-selector spec.nodeName=blue-1 --timeout=60s
kubectl -n shop wait --for=delete pod --field-selector spec.nodeName=blue-2 --timeout=60s
kubectl delete node blue-1 blue-2 --timeout=60s
