set -eu
# Each team labels its own pods for its own budget, and no longer depends on what the others call theirs.
for team in checkout banner; do
  kubectl -n shop patch deployment "$team" -p "{\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"budget\":\"$team\"}}}}}"
done
for team in checkout banner; do
  kubectl -n shop rollout status "deployment/$team" --timeout=90s
  kubectl -n shop wait --for=delete pod -l "app=$team,!budget" --timeout=90s
  kubectl -n shop patch pdb "$team" -p "{\"spec\":{\"selector\":{\"matchLabels\":{\"budget\":\"$team\"}}}}"
done
