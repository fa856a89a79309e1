# fails: bot-works
# Quiet before the upgrade, and still quiet after it.
set -eu
kubectl -n ci scale deployment ci-bot --replicas=0
kubectl -n ci wait --for=delete pod -l app=ci-bot --timeout=90s
k8slab cluster upgrade
kubectl -n ci annotate configmap ci-bot-manifests note=upgraded
