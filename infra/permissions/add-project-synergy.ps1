#Requires -Version 7.2
#Requires -Modules Microsoft.Graph.Authentication
<#
.SYNOPSIS
    Adds Microsoft's application Project Synergy to the tenant, once in its life.
.DESCRIPTION
    Where the application that onboards is not allowed to: the setting ONBOARDING_PROJECT_SYNERGY_BY is administrator.
    Looks first; run it as often as you like. Sign in first as a Cloud Application Administrator:
    Connect-MgGraph -TenantId TENANT -Scopes Application.ReadWrite.All
.EXAMPLE
    ./add-project-synergy.ps1 -WhatIf
#>
[CmdletBinding(SupportsShouldProcess)]
param()
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$tablePath = Join-Path $PSScriptRoot '../../onboarding/azure/permissions.json'
$synergy = (Get-Content -Raw -Path $tablePath | ConvertFrom-Json).projectSynergy

$context = Get-MgContext
if (-not $context) {
    throw ('Nobody is signed in. As a Cloud Application Administrator: Connect-MgGraph -TenantId TENANT' +
        ' -Scopes Application.ReadWrite.All')
}

function Get-Synergy {
    # Nothing when the tenant has none; any other failure is not "not there", and must not lead to a write.
    try {
        Invoke-MgGraphRequest -Method GET -OutputType PSObject `
            -Uri "v1.0/servicePrincipals(appId='$($synergy.appId)')?`$select=id,displayName"
    }
    catch {
        if ("$_ $($_.ErrorDetails)" -notmatch 'ResourceNotFound') { throw }
    }
}

$named = "Project Synergy ($($synergy.appId))"
if (Get-Synergy) {
    Write-Output "has      $named, tenant $($context.TenantId)"
}
elseif ($PSCmdlet.ShouldProcess("tenant $($context.TenantId)", "add $named")) {
    $body = @{ appId = $synergy.appId; displayName = $synergy.displayName }
    try {
        $null = Invoke-MgGraphRequest -Method POST -Body $body -Uri 'v1.0/servicePrincipals'
    }
    catch {
        if ("$_ $($_.ErrorDetails)" -notmatch 'already (exists|in use)') { throw }
    }
    foreach ($look in 1..6) {
        # Graph shows it after a few seconds.
        if (Get-Synergy) { break }
        if ($look -eq 6) { throw 'Not visible yet. Run this again in a few minutes.' }
        Start-Sleep -Seconds 5
    }
    Write-Output ("added    $named to tenant $($context.TenantId)." +
        ' Retry the step add-project-synergy of onboardings that wait for it')
}
