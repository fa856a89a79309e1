# fails: manifests
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#networking.k8s.io/v1beta1#networking.k8s.io/v1#' | kubectl replace -f -
