set -eu
# One document after the other, by a patch; extra fields do no harm.
kubectl -n ci patch configmap ci-bot-manifests --type=merge -p '{"data":{"network.yaml":"apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata:\n  name: partners\nspec:\n  cidrs:\n  - 10.97.0.0/24\n"}}'
kubectl -n ci patch configmap ci-bot-manifests --type=merge -p '{"data":{"storage.yaml":"apiVersion: storage.k8s.io/v1\nkind: VolumeAttributesClass\nmetadata:\n  name: fast\n  labels: {owner: ci}\ndriverName: disk.csi.example.com\nparameters:\n  iops: \"5000\"\n"}}'
