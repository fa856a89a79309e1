# fails: manifests
# The metric has two lines, and each is a document.
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#storage.k8s.io/v1beta1#storage.k8s.io/v1#' | kubectl replace -f -
