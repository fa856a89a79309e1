# fails: never-below
# It does spread the pods, and serves nobody in between.
set -eu
kubectl -n shop scale deployment api --replicas=0
kubectl -n shop patch deployment api -p '{"spec":{"template":{"spec":{"topologySpreadConstraints":[{"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"api"}}}]}}}}'
kubectl -n shop scale deployment api --replicas=6
kubectl -n shop rollout status deployment/api --timeout=90s
