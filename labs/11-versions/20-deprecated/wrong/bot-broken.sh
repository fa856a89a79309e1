# fails: bot-runs
# A bot that cannot start does not call either.
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl replace -f -
kubectl -n ci patch deployment ci-bot -p '{"spec":{"template":{"spec":{"nodeSelector":{"agentpool":"nowhere"}}}}}'
kubectl -n ci delete pod -l app=ci-bot --timeout=90s
