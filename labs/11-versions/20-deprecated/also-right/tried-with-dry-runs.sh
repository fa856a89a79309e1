set -eu
# The old document is tried once more in a dry run, which changes nothing and warns.
kubectl -n ci get configmap ci-bot-manifests -o jsonpath='{.data.storage\.yaml}' > old.yaml
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl apply --server-side --force-conflicts -f - || \
  kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl replace -f -
kubectl apply --dry-run=server -f old.yaml
