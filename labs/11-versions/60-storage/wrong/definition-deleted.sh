# fails: same-definition
# A new definition knows only v1. Deleting the old one deleted all coupons with it; these are copies.
set -eu
kubectl -n shop get coupons.v1.shop.example.com -o yaml > coupons.yaml
kubectl get crd coupons.shop.example.com -o yaml > definition.yaml
kubectl delete crd coupons.shop.example.com --timeout=90s
sed -e '/^status:/,$d' definition.yaml > bare.yaml
kubectl create -f bare.yaml
kubectl wait --for=condition=Established crd/coupons.shop.example.com --timeout=90s
kubectl patch crd coupons.shop.example.com --type=json -p '[{"op":"test","path":"/spec/versions/0/name","value":"v1alpha1"},{"op":"remove","path":"/spec/versions/0"}]'
tries=0
until sed -e '/resourceVersion:/d; /uid:/d' coupons.yaml | kubectl create -f -; do
  tries=$((tries + 1))
  [ "$tries" -lt 30 ]
  sleep 1
done
