#!/usr/bin/env bash
# Checks that the secrets of a job are set, before the job installs anything.
#
#   HAS_DATABASE_URL=true HAS_SPOTIFY_CLIENT_ID=false … check-secrets.sh DATABASE_URL SPOTIFY_CLIENT_ID …
#
# HAS_<NAME> says only whether a secret is set; the script never sees a secret.
#   all set     sets the output ready=true and prints nothing
#   none set    sets ready=false and prints one notice: a fork that has not been set up yet is no failure
#   some set    prints one error that names the missing secrets, and exits with 1
set -euo pipefail

missing="" count=0
for name in "$@"; do
  has="HAS_$name"
  if [[ "${!has}" != true ]]; then
    missing+="${missing:+, }$name"
    count=$((count + 1))
  fi
done

say() { # one line, in the log (as an annotation) and on the summary page
  printf '::%s::%s\n' "$1" "$2"
  printf '%s\n' "$2" >>"$GITHUB_STEP_SUMMARY"
}

secrets_page="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/settings/secrets/actions"
remedy="Set $missing under Settings → Secrets and variables → Actions ($secrets_page)."

if ((count == 0)); then
  echo "ready=true" >>"$GITHUB_OUTPUT"
elif ((count == $#)); then
  echo "ready=false" >>"$GITHUB_OUTPUT"
  say notice "Nothing to do until this repository has its secrets. $remedy"
else
  say error "Some secrets are missing. $remedy"
  exit 1
fi
