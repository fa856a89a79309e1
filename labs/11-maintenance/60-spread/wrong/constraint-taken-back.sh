# fails: constraint
# Spread by the constraint, and then the constraint is taken away again.
set -eu
kubectl -n shop patch deployment api -p '{"spec":{"template":{"spec":{"topologySpreadConstraints":[{"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"api"}},"matchLabelKeys":["pod-template-hash"]}]}}}}'
kubectl -n shop rollout status deployment/api --timeout=90s
kubectl -n shop patch deployment api --type=json -p '[{"op":"remove","path":"/spec/template/spec/topologySpreadConstraints"}]'
kubectl -n shop rollout status deployment/api --timeout=90s
