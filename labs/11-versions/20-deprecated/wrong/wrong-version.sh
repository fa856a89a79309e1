# fails: manifests
# There never was a v2 of it.
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v2#' | kubectl replace -f -
