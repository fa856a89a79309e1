# fails: same-objects
# No budget, no conflict, no protection.
set -eu
kubectl -n shop delete pdb checkout banner
