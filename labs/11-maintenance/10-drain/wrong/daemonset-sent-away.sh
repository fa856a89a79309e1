# fails: agent-everywhere
# The same DaemonSet, told to avoid the node. Now nobody watches worker-2 until its reboot.
set -eu
kubectl -n shop patch daemonset node-agent -p '{"spec":{"template":{"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"NotIn","values":["worker-2"]}]}]}}}}}}}'
kubectl -n shop rollout status daemonset/node-agent --timeout=90s
kubectl drain worker-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=90s
kubectl -n shop rollout status deployment/cart --timeout=90s
