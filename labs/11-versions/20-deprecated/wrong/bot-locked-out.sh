# fails: callers
# It still runs, and is refused at every call.
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl replace -f -
kubectl delete clusterrolebinding ci-bot
kubectl -n ci patch configmap ci-bot-manifests --type=merge -p '{"metadata":{"annotations":{"edited":"again"}}}'
