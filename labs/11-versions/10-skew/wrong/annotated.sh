# fails: labelled
# An annotation cannot be selected by.
set -eu
kubectl annotate nodes blue-1 green-2 skew=bad
kubectl annotate nodes blue-2 green-1 skew=ok
