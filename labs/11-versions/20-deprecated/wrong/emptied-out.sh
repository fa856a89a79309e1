# fails: manifests
# An apiVersion alone is no manifest.
set -eu
kubectl -n ci patch configmap ci-bot-manifests --type=merge -p '{"data":{"network.yaml":"{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: partners}}","storage.yaml":"{apiVersion: storage.k8s.io/v1, kind: VolumeAttributesClass, metadata: {name: fast}}"}}'
