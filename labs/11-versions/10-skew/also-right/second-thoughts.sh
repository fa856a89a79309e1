set -eu
# Everything bad at first, until its version has been looked up; then corrected.
kubectl label nodes --all skew=bad
kubectl label nodes blue-2 green-1 skew=ok --overwrite
