# fails: same-objects
set -eu
kubectl -n shop delete pdb checkout banner
kubectl -n shop create poddisruptionbudget checkout --min-available=2 --selector=app=checkout
kubectl -n shop create poddisruptionbudget banner --min-available=1 --selector=app=banner
