#Requires -Version 7.2
#Requires -Modules Microsoft.Graph.Authentication
<#
.SYNOPSIS
    Grants a managed identity the Microsoft Graph application permissions that the steps need.
.DESCRIPTION
    Those of onboarding/azure/permissions.json, and no others. Looks first, grants only what is missing, verifies at
    the end, and tells what the identity holds besides. Run it as often as you like; docs/permissions.md says why each
    permission is needed. Sign in first as a Privileged Role Administrator:
    Connect-MgGraph -TenantId TENANT -Scopes Application.Read.All, AppRoleAssignment.ReadWrite.All
.PARAMETER Identity
    Client id or object id of the managed identity that runs the steps.
.PARAMETER ProjectSynergyBy
    As the setting ONBOARDING_PROJECT_SYNERGY_BY: application, or administrator, with whom the identity needs less. Left
    out: the first of the table.
.PARAMETER ChangesBy
    As the setting ONBOARDING_CHANGES_BY: application, or people, with whom the identity only reads. Left out: the first of
    the table.
.PARAMETER Only
    Of the table's permissions, only these.
.EXAMPLE
    ./grant.ps1 -Identity 11111111-2222-3333-4444-555555555555 -WhatIf
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)][guid] $Identity,
    [string] $ProjectSynergyBy = '',
    [string] $ChangesBy = '',
    [string[]] $Only = @()
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$tablePath = Join-Path $PSScriptRoot '../../onboarding/azure/permissions.json'
$table = Get-Content -Raw -Path $tablePath | ConvertFrom-Json
$known = @($table.projectSynergy.by)
if (-not $ProjectSynergyBy) { $ProjectSynergyBy = $known[0] }
if ($ProjectSynergyBy -notin $known) {
    throw "-ProjectSynergyBy must be one of: $($known -join ', '); got '$ProjectSynergyBy'."
}
$makers = @($table.changes.by)
if (-not $ChangesBy) { $ChangesBy = $makers[0] }
if ($ChangesBy -notin $makers) {
    throw "-ChangesBy must be one of: $($makers -join ', '); got '$ChangesBy'."
}
if ($ChangesBy -ne $makers[0]) { $ProjectSynergyBy = $table.changes.peopleAs }
$rows = @($table.permissions | Where-Object {
        $by = $_.PSObject.Properties['projectSynergyBy']
        $maker = $_.PSObject.Properties['changesBy']
        (-not $by -or $by.Value -eq $ProjectSynergyBy) -and (-not $maker -or $maker.Value -eq $ChangesBy)
    })
$inEntra = @($rows | Where-Object { $_.grantedIn -eq 'entra' })

foreach ($name in $Only) {
    $row = $rows | Where-Object { $_.value -eq $name }
    if (-not $row) { throw "'$name' is not in $tablePath; it has: $($inEntra.value -join ', ')." }
    if ($row.grantedIn -ne 'entra') {
        throw "$name is not granted in Entra, where it would be for every mailbox: use grant-mail.ps1."
    }
}
$wanted = @($inEntra | Where-Object { $Only.Count -eq 0 -or $_.value -in $Only } | Sort-Object -Property value)

$context = Get-MgContext
if (-not $context) {
    throw ('Nobody is signed in. As a Privileged Role Administrator: Connect-MgGraph -TenantId TENANT' +
        ' -Scopes Application.Read.All, AppRoleAssignment.ReadWrite.All')
}

function Get-Graph([string] $Path) {
    Invoke-MgGraphRequest -Method GET -Uri "v1.0$Path" -OutputType PSObject
}

function Get-Held {
    # The Graph permissions that the identity holds: assignments.
    $link = "/servicePrincipals/$($principal.id)/appRoleAssignments"
    while ($link) {
        $page = Get-Graph $link
        $page.value | Where-Object { $_.resourceId -eq $resource.id }
        $next = $page.PSObject.Properties['@odata.nextLink']
        $link = if ($next) { $next.Value -replace '^https://[^/]+/v1\.0', '' } else { $null }
    }
}

$fields = '$select=id,appId,displayName,servicePrincipalType'
try { $principal = Get-Graph "/servicePrincipals(appId='$Identity')?$fields" }
catch { $principal = Get-Graph "/servicePrincipals/${Identity}?$fields" }
if ($principal.servicePrincipalType -ne 'ManagedIdentity') {
    throw ("'$($principal.displayName)' ($Identity) is of type '$($principal.servicePrincipalType)'," +
        ' not a managed identity; these permissions are not for it.')
}
Write-Output "$($principal.displayName) (object id $($principal.id)), tenant $($context.TenantId)"

# Roles by value, as the tenant has them; the table's ids are only compared.
$resource = Get-Graph "/servicePrincipals(appId='$($table.microsoftGraph)')?`$select=id,appRoles"
$roles = @{}
$values = @{}
foreach ($role in $resource.appRoles) {
    if ($role.isEnabled -and 'Application' -in $role.allowedMemberTypes) {
        $roles[$role.value] = $role.id
        $values[$role.id] = $role.value
    }
}
foreach ($row in $wanted) {
    if (-not $roles.ContainsKey($row.value)) {
        throw "Microsoft Graph has no application permission '$($row.value)' in this tenant."
    }
    if ($roles[$row.value] -ne $row.appRoleId) {
        Write-Warning "$($row.value): its role id is $($roles[$row.value]) here, and $($row.appRoleId) in the table."
    }
}

$held = @(Get-Held)
foreach ($row in $wanted) {
    if ($held | Where-Object { $_.appRoleId -eq $roles[$row.value] }) {
        Write-Output "has      $($row.value)"
    }
    elseif ($PSCmdlet.ShouldProcess($principal.displayName, "grant $($row.value)")) {
        $body = @{ principalId = $principal.id; resourceId = $resource.id; appRoleId = $roles[$row.value] }
        try {
            $null = Invoke-MgGraphRequest -Method POST -Body $body `
                -Uri "v1.0/servicePrincipals/$($principal.id)/appRoleAssignments"
            Write-Output "granted  $($row.value)"
        }
        catch {
            if ("$_ $($_.ErrorDetails)" -notmatch 'already exists') { throw }
            Write-Output "has      $($row.value)"
        }
    }
}

if (-not $WhatIfPreference) {
    foreach ($look in 1..6) {
        # Graph shows it after a few seconds.
        $held = @(Get-Held)
        $ids = @($held | ForEach-Object { $_.appRoleId })
        $missing = @($wanted | Where-Object { $roles[$_.value] -notin $ids })
        if ($missing.Count -eq 0) { break }
        if ($look -eq 6) {
            throw "Not visible yet: $($missing.value -join ', '). Run this again in a few minutes."
        }
        Start-Sleep -Seconds 5
    }
    Write-Output "verified $($wanted.value -join ' ')"
}

# What it holds besides. Nothing is taken away here: somebody may have had a reason.
foreach ($assignment in $held) {
    $value = if ($values.ContainsKey($assignment.appRoleId)) { $values[$assignment.appRoleId] } else { $assignment.appRoleId }
    if ($value -notin $inEntra.value) {
        Write-Output "extra    $value is not needed, by the table. To remove it:"
        Write-Output ("           Invoke-MgGraphRequest -Method DELETE -Uri " +
            "'v1.0/servicePrincipals/$($principal.id)/appRoleAssignments/$($assignment.id)'")
    }
}
