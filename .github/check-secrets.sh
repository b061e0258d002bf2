#!/usr/bin/env bash
# Says whether the secrets a job needs have been set, before the job spends a minute on anything else.
#
#   HAS_DATABASE_URL=true HAS_SPOTIFY_CLIENT_ID=false … check-secrets.sh DATABASE_URL SPOTIFY_CLIENT_ID …
#
# It is told only *that* a secret is there (HAS_<NAME>), never the secret.
#   all there    the output ready=true, and not a word
#   none there   one notice and ready=false: a fork that has not been set up yet is no failure
#   some there   one error that names the missing, and exit status 1
set -euo pipefail

missing="" count=0
for name in "$@"; do
  has="HAS_$name"
  if [[ "${!has}" != true ]]; then
    missing+="${missing:+, }$name"
    count=$((count + 1))
  fi
done

say() { # one line, both beside the run (log, annotation) and on its summary page
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
  say error "Some secrets are still missing. $remedy"
  exit 1
fi
