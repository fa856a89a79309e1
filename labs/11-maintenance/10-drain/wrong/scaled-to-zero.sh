# fails: replicas-kept
# Nothing has to move where nothing runs; nothing can be bought either.
set -eu
kubectl -n shop scale deployment cart --replicas=0
kubectl -n shop wait --for=delete pod -l app=cart --timeout=90s
kubectl drain worker-2 --ignore-daemonsets --force --timeout=90s
