# Stands in for Microsoft's module, with the commands that grant-mail.ps1 uses: over an organisation in a JSON file.
Set-StrictMode -Version Latest

function Read-State { Get-Content -Raw $env:FAKE_EXCHANGE_STATE | ConvertFrom-Json }

function Add-Made([string] $Kind, [object] $Made) {
    # What was made is kept, unless this administrator may not.
    $state = Read-State
    if (-not $state.mayWrite) { throw "Access Denied. You don't have the right to run New-$Kind." }
    $state.$Kind = @($state.$Kind) + $Made
    $state.calls = @($state.calls) + "New-$Kind"
    $state | ConvertTo-Json -Depth 5 | Set-Content -Path $env:FAKE_EXCHANGE_STATE
    $Made
}

function Get-ConnectionInformation {
    [CmdletBinding()] param()
    [pscustomobject]@{ State = (Read-State).connection }
}

function Get-EXOMailbox {
    [CmdletBinding()] param([Parameter(Mandatory)][string] $Identity, [string[]] $Properties)
    $found = (Read-State).mailboxes | Where-Object { $_.PrimarySmtpAddress -eq $Identity }
    if (-not $found) { throw "The operation couldn't be performed because object '$Identity' couldn't be found." }
    $found
}

function Get-ServicePrincipal { [CmdletBinding()] param() (Read-State).ServicePrincipal }

function New-ServicePrincipal {
    [CmdletBinding()]
    param([Parameter(Mandatory)][string] $AppId, [Parameter(Mandatory)][string] $ObjectId, [string] $DisplayName)
    Add-Made ServicePrincipal ([pscustomobject]@{ AppId = $AppId; ObjectId = $ObjectId; DisplayName = $DisplayName })
}

function Get-ManagementScope { [CmdletBinding()] param() (Read-State).ManagementScope }

function New-ManagementScope {
    [CmdletBinding()]
    param([Parameter(Mandatory)][string] $Name, [Parameter(Mandatory)][string] $RecipientRestrictionFilter)
    Add-Made ManagementScope ([pscustomobject]@{ Name = $Name; RecipientFilter = $RecipientRestrictionFilter })
}

function Get-ManagementRoleAssignment {
    [CmdletBinding()] param([Parameter(Mandatory)][string] $RoleAssignee)
    (Read-State).ManagementRoleAssignment | Where-Object { $_.App -eq $RoleAssignee }
}

function New-ManagementRoleAssignment {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][string] $Name,
        [Parameter(Mandatory)][string] $Role,
        [Parameter(Mandatory)][string] $App,
        [string] $CustomResourceScope
    )
    $state = Read-State
    if ($CustomResourceScope -notin $state.ManagementScope.Name) { throw "There is no scope '$CustomResourceScope'." }
    if ($App -notin $state.ServicePrincipal.ObjectId) { throw "There is no service principal '$App'." }
    Add-Made ManagementRoleAssignment (
        [pscustomobject]@{ Name = $Name; Role = $Role; App = $App; CustomResourceScope = $CustomResourceScope })
}

function Test-ServicePrincipalAuthorization {
    # One row for each role that the application holds; a scope is the mailbox's whose id stands in its filter.
    [CmdletBinding()] param([Parameter(Mandatory)][string] $Identity, [string] $Resource)
    $state = Read-State
    foreach ($held in $state.ManagementRoleAssignment | Where-Object { $_.App -eq $Identity }) {
        $filter = ($state.ManagementScope | Where-Object { $_.Name -eq $held.CustomResourceScope }).RecipientFilter
        [pscustomobject]@{ RoleName = $held.Role; InScope = $state.tellsTruth -and "$filter" -like "*$Resource*" }
    }
}
