// A storage account without keys: whoever comes signs in with Microsoft Entra, and only the given identities may.
// Used twice. The records' account holds nothing but tables; the host's holds the package and the timer's lease, which
// needs wider rights (Blob Data Owner) that so never reach the records.

param name string
param location string
param tags object
param sku string
@description('Containers to create.')
param containers string[] = []
@description('Principals that may do anything with blobs here: the Functions host takes leases.')
param blobOwners string[] = []
@description('Principals that may read, write and create tables here.')
param tableContributors string[] = []
@description('Closed to the internet; reached by private endpoints only.')
param isPrivate bool

var roles = loadJsonContent('../built-in-roles.json')

resource account 'Microsoft.Storage/storageAccounts@2026-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-06-01' = {
  parent: account
  name: 'default'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-06-01' = [for each in containers: {
  parent: blobs
  name: each
}]

resource blobOwner 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in blobOwners: {
  name: guid(account.id, principal, roles['Storage Blob Data Owner'])
  scope: account
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Owner'])
  }
}]

resource tableContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in tableContributors: {
  name: guid(account.id, principal, roles['Storage Table Data Contributor'])
  scope: account
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Table Data Contributor'])
  }
}]

output id string = account.id
output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output tableEndpoint string = account.properties.primaryEndpoints.table
