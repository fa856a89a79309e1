# fails: never-below
# An autoscaler that allows one pod at most takes the others away, without a word to the budget.
set -eu
kubectl cordon worker-3
kubectl -n shop create -f - <<'AUTOSCALER'
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 1
AUTOSCALER
kubectl -n shop wait --for=jsonpath='{.spec.replicas}'=1 deployment/web --timeout=90s
kubectl -n shop delete horizontalpodautoscaler web
kubectl -n shop scale deployment web --replicas=3
kubectl -n shop rollout status deployment/web --timeout=90s
kubectl drain worker-3 --ignore-daemonsets --timeout=90s
kubectl -n shop rollout status deployment/web --timeout=90s
