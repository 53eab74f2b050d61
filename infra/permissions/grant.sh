#!/usr/bin/env bash
# Grants a managed identity the Microsoft Graph application permissions that the steps need: those of
# onboarding/azure/permissions.json, and no others. Looks first, grants only what is missing; run it as often as you like.
# Who runs it needs the Entra role Privileged Role Administrator (or Global Administrator). docs/permissions.md says why.
set -euo pipefail
((BASH_VERSINFO[0] >= 4)) || { echo "grant.sh: it needs bash 4 or newer; this is $BASH_VERSION" >&2 && exit 2; }

TABLE="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/onboarding/azure/permissions.json"
LOOKS=6 # at what was granted: Graph shows it after a few seconds
PAUSE="${GRANT_PAUSE:-5}" # seconds between two looks

usage() {
  cat <<'TEXT'
Usage: grant.sh --identity ID [--project-synergy-by WHO] [--changes-by WHO]
                [--only PERMISSION[,PERMISSION…]] [--what-if]

  --identity ID   client id or object id of the managed identity that runs the steps
  --project-synergy-by WHO
                  as the setting ONBOARDING_PROJECT_SYNERGY_BY: application, or administrator, with whom the identity
                  needs less; left out: the first of the table
  --changes-by WHO
                  as the setting ONBOARDING_CHANGES_BY: application, or people, with whom the identity only reads;
                  left out: the first of the table
  --only LIST     of the table's permissions, only these
  --what-if       say what would be granted, and write nothing

Sign in first: az login --tenant TENANT. Ends with 0 when the identity has all that was asked for, 1 when it has not,
2 when it was called wrongly or nobody is signed in.
TEXT
}

stop() { # message [exit code]
  printf 'grant.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

# JSON is read by the Python that this repository needs anyway. What it prints is one line an item.
JSON='
import json, sys
what, *rest = sys.argv[1:]
if what == "table":
    with open(rest[0], encoding="utf-8") as file:
        table = json.load(file)
    known, makers = table["projectSynergy"]["by"], table["changes"]["by"]
    by, maker = rest[1] or known[0], rest[2] or makers[0]
    print(table["microsoftGraph"], by if by in known else "-", *known)
    print(maker if maker in makers else "-", *makers)
    if maker != makers[0]:
        by = table["changes"]["peopleAs"]
    for row in table["permissions"]:
        if row.get("projectSynergyBy", by) == by and row.get("changesBy", maker) == maker:
            print(row["value"], row["appRoleId"], row["grantedIn"])
    sys.exit()
data = json.load(sys.stdin)
if what == "fields":
    for name in rest:
        print(data.get(name) or "")
elif what == "roles":
    for role in data["appRoles"]:
        if role.get("isEnabled", True) and "Application" in role["allowedMemberTypes"]:
            print(role["id"].lower(), role["value"])
elif what == "held":
    print(data.get("@odata.nextLink") or "")
    for row in data["value"]:
        if row["resourceId"].lower() == rest[0].lower():
            print(row["appRoleId"].lower(), row["id"])
'
json() { python3 -I -c "$JSON" "$@"; }

graph() { # method path [body]: below v1.0, or a whole link
  local url="$2" options=()
  [[ "$url" == https://* ]] || url="$GRAPH/v1.0$url"
  [[ $# -lt 3 ]] || options=(--headers "Content-Type=application/json" --body "$3")
  az rest --method "$1" --url "$url" --output json ${options[@]+"${options[@]}"}
}

held() { # the Graph permissions that the identity holds: a line "role-id assignment-id" each
  local page link="/servicePrincipals/$PRINCIPAL/appRoleAssignments"
  while [[ -n "$link" ]]; do
    page="$(graph GET "$link")" || return 1
    page="$(json held "$RESOURCE" <<<"$page")" || return 1
    link="${page%%$'\n'*}" # the first line; the others are what is held
    tail -n +2 <<<"$page"
  done
}

IDENTITY="" ONLY="" WHAT_IF="" SYNERGY_BY="" CHANGES_BY=""
while [[ $# -gt 0 ]]; do
  case "$1" in
    --identity | --only | --project-synergy-by | --changes-by)
      [[ $# -ge 2 ]] || stop "$1 needs a value; see --help" 2
      case "$1" in
        --identity) IDENTITY="$2" ;;
        --only) ONLY="$2" ;;
        --changes-by) CHANGES_BY="$2" ;;
        *) SYNERGY_BY="$2" ;;
      esac
      shift 2
      ;;
    --what-if) WHAT_IF=yes && shift ;;
    -h | --help) usage && exit 0 ;;
    *) stop "unknown option '$1'; see --help" 2 ;;
  esac
done
[[ "$IDENTITY" =~ ^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$ ]] ||
  stop "--identity must be the client id or the object id of the managed identity (a GUID); got '$IDENTITY'" 2
for tool in az python3; do
  command -v "$tool" >/dev/null || stop "'$tool' is not installed; it is needed (Azure Cloud Shell has it)" 2
done

# What is wanted, from the table.
declare -A ID_OF=() WANTED=()
{
  read -r MICROSOFT_GRAPH BY KNOWN
  read -r MAKER MAKERS
  while read -r value id where; do
    if [[ "$where" == entra ]]; then ID_OF[$value]="$id"; else ELSEWHERE="${ELSEWHERE:-} $value "; fi
  done
} < <(json table "$TABLE" "$SYNERGY_BY" "$CHANGES_BY")
[[ -n "${KNOWN:-}" ]] || stop "$TABLE could not be read"
[[ "$BY" != - ]] || stop "--project-synergy-by must be one of: $KNOWN; got '$SYNERGY_BY'" 2
[[ "$MAKER" != - ]] || stop "--changes-by must be one of: $MAKERS; got '$CHANGES_BY'" 2
[[ ${#ID_OF[@]} -gt 0 ]] || stop "$TABLE could not be read"
if [[ -z "$ONLY" ]]; then
  for value in "${!ID_OF[@]}"; do WANTED[$value]=yes; done
else
  IFS=',' read -ra asked <<<"$ONLY"
  for value in "${asked[@]}"; do
    [[ "${ELSEWHERE:-}" != *" $value "* ]] ||
      stop "$value is not granted in Entra, where it would be for every mailbox: use grant-mail.ps1" 2
    [[ -n "${ID_OF[$value]:-}" ]] || stop "'$value' is not in $TABLE; it has: ${!ID_OF[*]}" 2
    WANTED[$value]=yes
  done
fi
mapfile -t NAMES < <(printf '%s\n' "${!WANTED[@]}" | LC_ALL=C sort)

# Who, and in which tenant.
ACCOUNT="$(az account show --output json 2>/dev/null)" ||
  stop "nobody is signed in: run 'az login --tenant TENANT' as a Privileged Role Administrator, and again" 2
TENANT="$(json fields tenantId <<<"$ACCOUNT")"
GRAPH="$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)"
GRAPH="${GRAPH%/}"
FIELDS="\$select=id,appId,displayName,servicePrincipalType"
FOUND="$(graph GET "/servicePrincipals(appId='$IDENTITY')?$FIELDS" 2>/dev/null)" ||
  FOUND="$(graph GET "/servicePrincipals/$IDENTITY?$FIELDS")" ||
  stop "no service principal with client id or object id $IDENTITY can be read in tenant $TENANT"
{ read -r PRINCIPAL && read -r NAME && read -r KIND; } < <(json fields id displayName servicePrincipalType <<<"$FOUND")
[[ "$KIND" == ManagedIdentity ]] ||
  stop "'$NAME' ($IDENTITY) is of type '$KIND', not a managed identity; these permissions are not for it"
printf '%s (object id %s), tenant %s\n' "$NAME" "$PRINCIPAL" "$TENANT"

# Roles by value, as the tenant has them; the table's ids are only compared.
SERVICE="$(graph GET "/servicePrincipals(appId='$MICROSOFT_GRAPH')?\$select=id,appRoles")" ||
  stop "Microsoft Graph's own service principal ($MICROSOFT_GRAPH) can't be read"
RESOURCE="$(json fields id <<<"$SERVICE")"
declare -A ROLE=() VALUE=()
while read -r id value; do ROLE[$value]="$id" VALUE[$id]="$value"; done < <(json roles <<<"$SERVICE")
for value in "${NAMES[@]}"; do
  [[ -n "${ROLE[$value]:-}" ]] || stop "Microsoft Graph has no application permission '$value' in this tenant"
  [[ "${ROLE[$value]}" == "${ID_OF[$value]}" ]] ||
    printf 'note     %s: its role id is %s here, and %s in the table\n' "$value" "${ROLE[$value]}" "${ID_OF[$value]}"
done

BEFORE="$(held)" || stop "what '$NAME' holds can't be read"
for value in "${NAMES[@]}"; do
  if grep -q "^${ROLE[$value]} " <<<"$BEFORE"; then
    printf 'has      %s\n' "$value"
  elif [[ -n "$WHAT_IF" ]]; then
    printf 'would    grant %s\n' "$value"
  else
    body="{\"principalId\":\"$PRINCIPAL\",\"resourceId\":\"$RESOURCE\",\"appRoleId\":\"${ROLE[$value]}\"}"
    if said="$(graph POST "/servicePrincipals/$PRINCIPAL/appRoleAssignments" "$body" 2>&1 >/dev/null)"; then
      printf 'granted  %s\n' "$value"
    elif [[ "$said" == *"already exists"* ]]; then
      printf 'has      %s\n' "$value"
    else
      stop "$value was not granted: $said"
    fi
  fi
done

AFTER="$BEFORE"
if [[ -z "$WHAT_IF" ]]; then
  for ((look = 1; ; look++)); do
    AFTER="$(held)" || stop "what '$NAME' holds can't be read"
    missing=()
    for value in "${NAMES[@]}"; do grep -q "^${ROLE[$value]} " <<<"$AFTER" || missing+=("$value"); done
    [[ ${#missing[@]} -gt 0 ]] || break
    ((look < LOOKS)) || stop "not visible yet after $LOOKS looks: ${missing[*]}. Run this again in a few minutes"
    sleep "$PAUSE"
  done
  printf 'verified %s\n' "${NAMES[*]}"
fi

# What it holds besides. Nothing is taken away here: somebody may have had a reason.
while read -r id assignment; do
  [[ -n "$id" ]] || continue
  value="${VALUE[$id]:-$id}"
  [[ -z "${ID_OF[$value]:-}" ]] || continue
  printf 'extra    %s is not needed, by the table. To remove it:\n' "$value"
  printf '           az rest --method DELETE --url "%s/v1.0/servicePrincipals/%s/appRoleAssignments/%s"\n' \
    "$GRAPH" "$PRINCIPAL" "$assignment"
done <<<"$AFTER"
