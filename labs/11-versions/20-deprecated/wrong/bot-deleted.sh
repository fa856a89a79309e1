# fails: same-objects
# No caller, no warning.
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl replace -f -
kubectl -n ci delete deployment ci-bot --timeout=90s
