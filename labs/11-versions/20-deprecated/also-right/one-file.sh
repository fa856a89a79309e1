set -eu
# Both documents in one file, applied as a whole; and the bot is restarted, which was not necessary.
kubectl apply --server-side --force-conflicts -f - <<'MANIFESTS'
apiVersion: v1
kind: ConfigMap
metadata:
  name: ci-bot-manifests
  namespace: ci
data:
  network.yaml: ""
  storage.yaml: |
    apiVersion: networking.k8s.io/v1
    kind: ServiceCIDR
    metadata: {name: partners}
    spec: {cidrs: ["10.97.0.0/24"]}
    ---
    apiVersion: storage.k8s.io/v1
    kind: VolumeAttributesClass
    metadata: {name: fast}
    driverName: disk.csi.example.com
    parameters: {iops: "5000"}
MANIFESTS
kubectl -n ci rollout restart deployment/ci-bot
kubectl -n ci rollout status deployment/ci-bot --timeout=90s
