# fails: bot-works
# The gate sees who calls, not who will. A bot that was paused wakes up with its old manifest, and finds its API gone.
set -eu
kubectl -n ci scale deployment ci-bot --replicas=0
kubectl -n ci wait --for=delete pod -l app=ci-bot --timeout=90s
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#storage.k8s.io/v1$#storage.k8s.io/v1beta1#' | kubectl replace -f -
k8slab cluster upgrade
kubectl -n ci scale deployment ci-bot --replicas=1
kubectl -n ci rollout status deployment/ci-bot --timeout=90s
