# fails: schedulable
# Pushed out of z1 by hand, and the nodes of z1 are left out of use.
set -eu
kubectl -n shop patch deployment api -p '{"spec":{"template":{"spec":{"topologySpreadConstraints":[{"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"api"}},"matchLabelKeys":["pod-template-hash"]}]}}}}'
kubectl -n shop rollout status deployment/api --timeout=90s
kubectl cordon worker-4
