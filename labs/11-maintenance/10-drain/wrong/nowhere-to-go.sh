# fails: cart-available
# With every node cordoned the evicted cart stays Pending.
set -eu
kubectl cordon worker-1 worker-3 worker-4
kubectl drain worker-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=90s
