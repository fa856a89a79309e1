# fails: same-objects
set -eu
kubectl -n shop delete pdb sessions
kubectl -n shop create -f - <<'MANIFEST'
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: sessions, namespace: shop}
spec:
  minAvailable: 100%
  selector: {matchLabels: {app: sessions}}
MANIFEST
kubectl -n shop patch deployment sessions -p '{"spec":{"template":{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":20},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":20}]}}}}'
kubectl -n shop rollout status deployment/sessions --timeout=90s
