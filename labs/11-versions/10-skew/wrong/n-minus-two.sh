# fails: labelled
# The rule of 2019: two minor versions, so that 1.33 would be too old.
set -eu
kubectl label nodes blue-1 blue-2 green-2 skew=bad
kubectl label node green-1 skew=ok
