#!/usr/bin/env bash
# Adds Microsoft's application Project Synergy to the tenant, where the application that onboards is not allowed to: the
# setting ONBOARDING_PROJECT_SYNERGY_BY is administrator. Once in a tenant's life; run it as often as you like.
# Who runs it needs the Entra role Cloud Application Administrator (or Application or Global Administrator).
set -euo pipefail

TABLE="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/onboarding/azure/permissions.json"
LOOKS=6 # at what was added: Graph shows it after a few seconds
PAUSE="${GRANT_PAUSE:-5}" # seconds between two looks

stop() { # message [exit code]
  printf 'add-project-synergy.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

WHAT_IF=""
case "${1:-}" in
  "") ;;
  --what-if) WHAT_IF=yes ;;
  *)
    echo "Usage: add-project-synergy.sh [--what-if]"
    [[ "$1" == -h || "$1" == --help ]] && exit 0
    exit 2
    ;;
esac
for tool in az python3; do
  command -v "$tool" >/dev/null || stop "'$tool' is not installed; it is needed (Azure Cloud Shell has it)" 2
done

field() { # names: of what is read, the text below those
  python3 -I -c '
import json, sys
found = json.load(sys.stdin)
for name in sys.argv[1:]:
    found = found[name]
print(found)
' "$@"
}

APP_ID="$(field projectSynergy appId <"$TABLE")"
NAME="$(field projectSynergy displayName <"$TABLE")"

ACCOUNT="$(az account show --output json 2>/dev/null)" ||
  stop "nobody is signed in: run 'az login --tenant TENANT' as a Cloud Application Administrator, and again" 2
TENANT="$(field tenantId <<<"$ACCOUNT")"
GRAPH="$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)"
LINK="${GRAPH%/}/v1.0/servicePrincipals(appId='$APP_ID')?\$select=id,displayName"

# What is not there is 404; any other failure is not "not there", and must not lead to a write.
look() { # false when the tenant has none
  local said
  said="$(az rest --method GET --url "$LINK" --output json 2>&1)" && return 0
  [[ "$said" == *ResourceNotFound* ]] || stop "whether tenant $TENANT has Project Synergy can't be read: $said"
  return 1
}

if look; then
  printf 'has      Project Synergy (%s), tenant %s\n' "$APP_ID" "$TENANT"
elif [[ -n "$WHAT_IF" ]]; then
  printf 'would    add Project Synergy (%s) to tenant %s\n' "$APP_ID" "$TENANT"
else
  said="$(az rest --method POST --url "${GRAPH%/}/v1.0/servicePrincipals" --headers "Content-Type=application/json" \
    --body "{\"appId\":\"$APP_ID\",\"displayName\":\"$NAME\"}" --output json 2>&1)" || [[ "$said" == *"already exists"* || "$said" == *"already in use"* ]] ||
    stop "Project Synergy was not added: $said"
  for ((i = 1; ; i++)); do
    look && break
    ((i < LOOKS)) || stop "not visible yet after $LOOKS looks. Run this again in a few minutes"
    sleep "$PAUSE"
  done
  printf 'added    Project Synergy (%s) to tenant %s. Retry the step add-project-synergy of onboardings that wait for it\n' \
    "$APP_ID" "$TENANT"
fi
