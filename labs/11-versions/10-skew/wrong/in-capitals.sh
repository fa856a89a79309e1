# fails: labelled
set -eu
kubectl label nodes blue-1 green-2 skew=BAD
kubectl label nodes blue-2 green-1 skew=OK
