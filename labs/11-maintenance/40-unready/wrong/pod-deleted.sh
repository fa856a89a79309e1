# fails: not-deleted-search
set -eu
pod=$(kubectl -n shop get pods -l app=search -o jsonpath='{.items[0].metadata.name}')
kubectl -n shop delete pod "$pod"
