#!/usr/bin/env bash
# Enables the workflows named, so that GitHub counts its 60 days without activity anew, or takes back that it has stopped one.
#
#   GH_TOKEN=… keep-schedules.sh plays.yml dimensions.yml …
#
# A workflow that somebody has switched off by hand (disabled_manually), or that is off in a fork until its owner enables it
# (disabled_fork), is theirs to decide about and stays off. One that GitHub does not know yet is passed over.
set -euo pipefail

status=0
for name in "$@"; do
  if ! state=$(timeout 60 gh api "repos/$GITHUB_REPOSITORY/actions/workflows/$name" --jq .state); then
    printf '::warning::GitHub did not say whether %s is enabled.\n' "$name"
    status=1
    continue
  fi
  case "$state" in
    active | disabled_inactivity)
      if timeout 60 gh workflow enable "$name" --repo "$GITHUB_REPOSITORY"; then
        echo "$name: kept alive (it was: $state)"
      else
        status=1
      fi
      ;;
    *) echo "$name: left as it is ($state)" ;;
  esac
done
exit "$status"
