# fails: constraint
# The constraint counts pods that do not exist, and is content with anything.
set -eu
kubectl -n shop patch deployment api -p '{"spec":{"template":{"spec":{"topologySpreadConstraints":[{"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"shop-api"}},"matchLabelKeys":["pod-template-hash"]}]}}}}'
kubectl -n shop rollout status deployment/api --timeout=90s
