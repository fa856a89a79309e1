# fails: same-objects
# One budget for both: three pods of one application may now go, as long as two of any kind stay.
set -eu
kubectl -n shop delete pdb banner
