# fails: callers
# The bot is fixed, but the old manifest is still lying around on somebody's disk.
set -eu
kubectl -n ci get configmap ci-bot-manifests -o jsonpath='{.data.storage\.yaml}' > old.yaml
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl replace -f -
sleep 2
kubectl apply --server-side --force-conflicts -f old.yaml
