set -eu
# API server 1.36: three older is 1.33, and nothing is newer.
kubectl label node blue-1 skew=bad
kubectl label node blue-2 skew=ok
kubectl label node green-1 skew=ok
kubectl label node green-2 skew=bad
