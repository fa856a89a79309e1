# fails: labelled
# Newer is better? Not for a kubelet.
set -eu
kubectl label node blue-1 skew=bad
kubectl label nodes blue-2 green-1 green-2 skew=ok
