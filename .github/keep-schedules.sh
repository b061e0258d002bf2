#!/usr/bin/env bash
# Enables the named workflows. That restarts GitHub's 60 days without activity, and enables what GitHub has disabled.
#
#   GH_TOKEN=… keep-schedules.sh plays.yml dimensions.yml …
#
# A workflow that somebody disabled (disabled_manually), or that is off in a fork until its owner enables it
# (disabled_fork), stays disabled. If GitHub does not know a workflow, the script warns, goes on, and exits with 1.
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
        echo "$name: kept alive (was: $state)"
      else
        status=1
      fi
      ;;
    *) echo "$name: left alone ($state)" ;;
  esac
done
exit "$status"
