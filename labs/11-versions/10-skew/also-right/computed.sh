set -eu
# For somebody with a hundred nodes: the rule, written down once.
api=$(kubectl get --raw /version | sed -n 's/.*"minor": "\([0-9]*\).*/\1/p')
kubectl get nodes -o jsonpath='{range .items[*]}{.metadata.name} {.status.nodeInfo.kubeletVersion}{"\n"}{end}' | while read -r node kubelet; do
  minor=$(echo "$kubelet" | cut -d. -f2)
  verdict=bad
  if [ "$minor" -le "$api" ] && [ $((api - minor)) -le 3 ]; then
    verdict=ok
  fi
  kubectl label node "$node" "skew=$verdict"
done
