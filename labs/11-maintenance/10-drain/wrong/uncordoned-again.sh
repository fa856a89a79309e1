# fails: cordoned
# Uncordon belongs after the reboot. It does not bring pods back; it lets the next ones in.
set -eu
kubectl drain worker-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=90s
kubectl uncordon worker-2
kubectl -n shop rollout status deployment/cart --timeout=90s
