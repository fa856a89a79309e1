# fails: labelled
set -eu
kubectl label nodes blue-1 blue-2 green-1 skew=ok
kubectl label node green-2 skew=bad
