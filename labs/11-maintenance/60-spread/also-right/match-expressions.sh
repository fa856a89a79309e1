set -eu
# The selector in other words, all three zones asked for by number, and a wish about nodes beside it.
kubectl -n shop patch deployment api --type=json -p '[{"op":"add","path":"/spec/template/spec/topologySpreadConstraints","value":[
  {"topologyKey":"kubernetes.io/hostname","maxSkew":1,"whenUnsatisfiable":"ScheduleAnyway","labelSelector":{"matchLabels":{"app":"api"}}},
  {"topologyKey":"topology.kubernetes.io/zone","maxSkew":1,"minDomains":3,"whenUnsatisfiable":"DoNotSchedule",
   "labelSelector":{"matchExpressions":[{"key":"app","operator":"In","values":["api"]}]},"matchLabelKeys":["pod-template-hash"]}]}]'
kubectl -n shop rollout status deployment/api --timeout=90s
