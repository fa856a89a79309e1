set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml > manifests.yaml
sed 's#k8s.io/v1beta1#k8s.io/v1#' manifests.yaml | kubectl replace -f -
