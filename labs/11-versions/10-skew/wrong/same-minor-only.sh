# fails: labelled
# The safest rule of all is not the rule.
set -eu
kubectl label nodes --all skew=bad
kubectl label node green-1 skew=ok --overwrite
