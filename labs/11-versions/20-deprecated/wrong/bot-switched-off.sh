# fails: bot-replicas
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl replace -f -
kubectl -n ci scale deployment ci-bot --replicas=0
kubectl -n ci wait --for=delete pod -l app=ci-bot --timeout=90s
