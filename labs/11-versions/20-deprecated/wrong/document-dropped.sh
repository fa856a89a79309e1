# fails: manifests
# Without the document there is no warning, and nobody who sees to the class any more.
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl replace -f -
kubectl -n ci patch configmap ci-bot-manifests --type=json -p '[{"op":"remove","path":"/data/storage.yaml"}]'
