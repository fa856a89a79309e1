set -eu
# A label is a field like any other, and one more label does no harm.
kubectl patch node blue-1 -p '{"metadata":{"labels":{"skew":"bad","surveyed-by":"ops"}}}'
kubectl patch node blue-2 --type=merge -p '{"metadata":{"labels":{"skew":"ok"}}}'
kubectl patch node green-1 --type=json -p '[{"op":"add","path":"/metadata/labels/skew","value":"ok"}]'
kubectl label node green-2 skew=bad
