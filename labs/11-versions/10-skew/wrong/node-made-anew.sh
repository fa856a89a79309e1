# fails: same-nodes
# Away with the Node that does not suit, and back with it, label and all.
set -eu
kubectl label node blue-2 green-1 skew=ok
kubectl label node blue-1 skew=bad
kubectl delete node green-2
kubectl create -f - <<'NODE'
apiVersion: v1
kind: Node
metadata:
  name: green-2
  labels: {kubernetes.io/hostname: green-2, agentpool: green, topology.kubernetes.io/zone: z2, skew: bad}
NODE
