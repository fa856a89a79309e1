# fails: spread
# While the rollout goes on, the six old pods of z1 count. The new ones avoid z1, and when the old ones have gone, it is empty.
set -eu
kubectl -n shop patch deployment api -p '{"spec":{"template":{"spec":{"topologySpreadConstraints":[{"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"api"}}}]}}}}'
kubectl -n shop rollout status deployment/api --timeout=90s
