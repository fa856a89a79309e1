# fails: manifests
# The objects are fine, and always were: they are stored independently of how they were written. It is the bot that asks for the old API.
set -eu
kubectl get volumeattributesclasses.v1.storage.k8s.io fast -o yaml | kubectl replace -f -
kubectl get servicecidrs.v1.networking.k8s.io partners -o yaml | kubectl replace -f -
