# fails: same-objects
# The bot makes it again, as another one.
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl replace -f -
kubectl delete volumeattributesclass fast --timeout=90s
kubectl wait --for=create volumeattributesclass/fast --timeout=90s
