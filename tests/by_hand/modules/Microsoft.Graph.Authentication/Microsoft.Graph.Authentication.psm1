# Stands in for Microsoft's module: Invoke-MgGraphRequest calls the simulated Microsoft Graph, as whoever is signed in.
Set-StrictMode -Version Latest

function Connect-MgGraph {
    [CmdletBinding()] param([string[]] $Scopes, [switch] $NoWelcome)
}

function Invoke-MgGraphRequest {
    # As the real one: a path below the endpoint, a table of hashes, and an error for an answer from 400 on.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][string] $Method,
        [Parameter(Mandatory)][string] $Uri,
        [string] $ContentType = 'application/json',
        [string] $Body
    )
    $call = @{
        Method = $Method; Uri = "$env:GRAPH_ENDPOINT$Uri"; SkipCertificateCheck = $true
        Headers = @{ Authorization = "Bearer $env:GRAPH_TOKEN" }
    }
    if ($Body) { $call.Body = $Body; $call.ContentType = $ContentType }
    (Invoke-WebRequest @call).Content | ConvertFrom-Json -AsHashtable
}
