# fails: drained
# Cordoning closes the door; it asks nobody to leave.
set -eu
kubectl cordon worker-2
