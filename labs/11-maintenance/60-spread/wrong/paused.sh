# fails: rolled-out
# The manifest is right, and no pod has ever seen it.
set -eu
kubectl -n shop rollout pause deployment/api
kubectl -n shop patch deployment api -p '{"spec":{"template":{"spec":{"topologySpreadConstraints":[{"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"api"}},"matchLabelKeys":["pod-template-hash"]}]}}}}'
