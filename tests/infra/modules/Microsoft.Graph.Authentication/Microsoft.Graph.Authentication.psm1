# Stands in for Microsoft's module, with the two commands that grant.ps1 uses: over the directory of tests/support/fake_az.py.
Set-StrictMode -Version Latest

function Get-MgContext {
    [CmdletBinding()] param()
    $state = Get-Content -Raw $env:FAKE_AZ_STATE | ConvertFrom-Json
    if ($state.signedIn) { [pscustomobject]@{ TenantId = $state.tenantId } }
}

function Invoke-MgGraphRequest {
    # As the real one: a table of hashes unless a PSObject is asked for, and an error for an answer from 400 on.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][string] $Method,
        [Parameter(Mandatory)][string] $Uri,
        [object] $Body,
        [ValidateSet('HashTable', 'PSObject')][string] $OutputType = 'HashTable'
    )
    $call = @('rest', '--method', $Method, '--url', "https://graph.microsoft.com/$Uri")
    if ($Body) { $call += '--body', ($Body | ConvertTo-Json -Compress) }
    $answer = & $env:FAKE_PYTHON -I -S $env:FAKE_AZ @call 2>&1 | Out-String
    if ($LASTEXITCODE -ne 0) { throw $answer }
    $answer | ConvertFrom-Json -AsHashtable:($OutputType -eq 'HashTable')
}

function Start-Sleep {
    # Nobody waits in a test; that somebody would have is kept.
    [CmdletBinding()] param([Parameter(Mandatory)][int] $Seconds)
    Add-Content -Path "$env:FAKE_AZ_STATE.sleeps" -Value $Seconds
}
