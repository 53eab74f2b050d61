#Requires -Version 7.2
#Requires -Modules ExchangeOnlineManagement
<#
.SYNOPSIS
    Allows a managed identity to send e-mail as one mailbox, and as no other.
.DESCRIPTION
    By Exchange's RBAC for Applications (https://learn.microsoft.com/exchange/permissions-exo/application-rbac), in
    place of the permission Mail.Send in Entra, which is for every mailbox of the tenant. The two add up: with Mail.Send
    granted in Entra, this scope narrows nothing (grant.ps1 and grant.sh tell when it is). The role's name comes from
    onboarding/azure/permissions.json. Looks first, makes only what is missing, verifies at the end.

    Sign in first as an Exchange Administrator: Connect-ExchangeOnline
    The application meets the change within two hours; Exchange keeps permissions cached for that long.
.PARAMETER Identity
    Client id (application id) of the managed identity that runs the steps, as in AZURE_CLIENT_ID.
.PARAMETER ObjectId
    Object id of the same identity; needed once, when Exchange does not know it yet:
    az ad sp show --id CLIENT-ID --query id --output tsv
.PARAMETER Mailbox
    The mailbox of the setting ONBOARDING_MAIL_SENDER. A shared mailbox does, and needs no licence.
.EXAMPLE
    ./grant-mail.ps1 -Identity CLIENT-ID -ObjectId OBJECT-ID -Mailbox onboarding@contoso.com -WhatIf
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)][guid] $Identity,
    [Nullable[guid]] $ObjectId,
    [Parameter(Mandatory)][string] $Mailbox
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$table = Get-Content -Raw -Path (Join-Path $PSScriptRoot '../../onboarding/azure/permissions.json') | ConvertFrom-Json
$role = ($table.permissions | Where-Object { $_.grantedIn -eq 'exchange' }).exchangeRole
$name = 'operator-connect-onboarding'

if (-not (Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' })) {
    throw 'Nobody is signed in. As an Exchange Administrator: Connect-ExchangeOnline'
}

# By the directory's own id: a filter on PrimarySmtpAddress would match aliases of other mailboxes too.
$target = Get-EXOMailbox -Identity $Mailbox -Properties ExternalDirectoryObjectId
$filter = "ExternalDirectoryObjectId -eq '$($target.ExternalDirectoryObjectId)'"

$pointer = Get-ServicePrincipal | Where-Object { $_.AppId -eq "$Identity" }
if ($pointer) {
    Write-Output "has      service principal $Identity"
}
elseif (-not $ObjectId) {
    throw "Exchange does not know $Identity yet. Give -ObjectId: az ad sp show --id $Identity --query id --output tsv"
}
elseif ($PSCmdlet.ShouldProcess("$Identity", 'New-ServicePrincipal')) {
    $pointer = New-ServicePrincipal -AppId "$Identity" -ObjectId "$ObjectId" -DisplayName $name
    Write-Output "made     service principal $Identity"
}

$scope = Get-ManagementScope | Where-Object { $_.Name -eq $name }
if ($scope -and $scope.RecipientFilter -notlike "*$($target.ExternalDirectoryObjectId)*") {
    throw ("The management scope '$name' is for another mailbox ($($scope.RecipientFilter)). To change it:" +
        " Set-ManagementScope -Identity '$name' -RecipientRestrictionFilter `"$filter`"")
}
if ($scope) {
    Write-Output "has      management scope $name"
}
elseif ($PSCmdlet.ShouldProcess($name, "New-ManagementScope for $Mailbox")) {
    $null = New-ManagementScope -Name $name -RecipientRestrictionFilter $filter
    Write-Output "made     management scope $name"
}

$assigned = @(if ($pointer) { Get-ManagementRoleAssignment -RoleAssignee $pointer.ObjectId | Where-Object { $_.Role -eq $role } })
$ours = $assigned | Where-Object { $_.CustomResourceScope -eq $name }
if ($ours) {
    Write-Output "has      role $role in scope $name"
}
elseif ($PSCmdlet.ShouldProcess($name, "New-ManagementRoleAssignment '$role'")) {
    $null = New-ManagementRoleAssignment -Name $name -Role $role -App $pointer.ObjectId -CustomResourceScope $name
    Write-Output "made     role $role in scope $name"
}
foreach ($other in $assigned | Where-Object { $_.CustomResourceScope -ne $name }) {
    Write-Output "extra    $role by assignment '$($other.Name)'. To remove it:"
    Write-Output "           Remove-ManagementRoleAssignment -Identity '$($other.Name)'"
}

if (-not $WhatIfPreference) {
    # This cmdlet asks Exchange itself, past the cache.
    $tested = Test-ServicePrincipalAuthorization -Identity $pointer.ObjectId -Resource $target.ExternalDirectoryObjectId |
        Where-Object { $_.RoleName -eq $role }
    if (-not ($tested | Where-Object { "$($_.InScope)" -eq 'True' })) {
        throw "Exchange says that $Identity may not send as $Mailbox yet. Run this again in a few minutes."
    }
    Write-Output "verified $role for $Mailbox"
}
