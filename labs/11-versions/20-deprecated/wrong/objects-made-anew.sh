# fails: same-objects
# Nothing had to be created again. Volumes that name the class found none for a while.
set -eu
kubectl -n ci get configmap ci-bot-manifests -o yaml | sed 's#k8s.io/v1beta1#k8s.io/v1#' | kubectl replace -f -
kubectl get volumeattributesclasses.v1.storage.k8s.io fast -o yaml > class.yaml
kubectl replace --force -f class.yaml --timeout=90s
