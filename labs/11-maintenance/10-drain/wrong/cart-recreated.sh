# fails: same-objects
# The same manifest under another UID is another Deployment: everything that belonged to the old one has been down.
set -eu
kubectl cordon worker-2
pod=$(kubectl -n shop get pods -l app=cart -o name)
kubectl -n shop get deployment cart -o yaml | kubectl replace --force --timeout=90s -f -
kubectl -n shop wait --for=delete "$pod" --timeout=90s
kubectl drain worker-2 --ignore-daemonsets --delete-emptydir-data --force --timeout=90s
kubectl -n shop rollout status deployment/cart --timeout=90s
