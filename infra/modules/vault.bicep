// The secrets that can't be replaced by an identity: the key that signs links for people outside the tenant, the address
// of the Teams webhook, which holds its own key, what signs events for programs, and keys of DNS servers.

param name string
param location string
param tags object
@description('Principals that may read the link key.')
param linkKeyReaders string[]
@description('Principals that may read the Teams webhook, if there is one.')
param teamsWebhookReaders string[]
@description('A deleted vault can then not be purged before its time. It can be turned on later, never off.')
param purgeProtection bool
@description('Closed to the internet; reached by a private endpoint only.')
param isPrivate bool
param workspaceId string
@secure()
@description('Left empty: no such secret is written, and nobody is told in Teams.')
param teamsWebhookUrl string
@secure()
@description('Name of a secret of events → its value; of those left empty none is written.')
param eventsSecrets object
@description('The principal that may read them.')
param eventsReader string
@secure()
@description('Left empty: no such secret is written, and no DNS server is sent updates.')
param dnsKeys string
@description('Principals that may read the keys of DNS servers, if there are any.')
param dnsKeysReaders string[]
@secure()
@description('Made anew at each deployment, and kept only by the first.')
param newLinkKey string = '${newGuid()}${newGuid()}'

var roles = loadJsonContent('../built-in-roles.json')
var linkKeyName = 'link-key'
var teamsWebhookName = 'teams-webhook-url'
var dnsKeysName = 'dns-keys'
var eventsSecretsNames = ['events-secret', 'events-secret-previous', 'events-authorization']

resource vault 'Microsoft.KeyVault/vaults@2026-05-15' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    // Kept for 90 days when it is deleted: the platform's default, and it could never be changed.
    enableSoftDelete: true
    // The property takes true or nothing: `false` is refused.
    enablePurgeProtection: purgeProtection ? true : null
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

// Written once: a second deployment must not make the links that people hold void. Rotation: docs/deploy.md.
@onlyIfNotExists()
resource linkKey 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = {
  parent: vault
  name: linkKeyName
  properties: {
    value: newLinkKey
    contentType: 'text/plain'
  }
}

resource teamsWebhook 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = if (!empty(teamsWebhookUrl)) {
  parent: vault
  name: teamsWebhookName
  properties: {
    value: teamsWebhookUrl
    contentType: 'text/plain'
  }
}

resource eventsSecret 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = [for secret in eventsSecretsNames: if (!empty(eventsSecrets[secret])) {
  parent: vault
  name: secret
  properties: {
    value: eventsSecrets[secret]
    contentType: 'text/plain'
  }
}]

resource dnsKeysSecret 'Microsoft.KeyVault/vaults/secrets@2026-05-15' = if (!empty(dnsKeys)) {
  parent: vault
  name: dnsKeysName
  properties: {
    value: dnsKeys
    contentType: 'application/json'
  }
}

// On each secret, not on the vault: who sends no notices needs no webhook.
resource linkKeyReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in linkKeyReaders: {
  name: guid(linkKey.id, principal, roles['Key Vault Secrets User'])
  scope: linkKey
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Key Vault Secrets User'])
  }
}]

// The condition stands inside the loop: a list that is empty or another module's output has a length that is known only
// once that module is deployed, and a preview then leaves out all that this module makes (NestedDeploymentShortCircuited).
resource teamsWebhookReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in teamsWebhookReaders: if (!empty(teamsWebhookUrl)) {
  name: guid(teamsWebhook.id, principal, roles['Key Vault Secrets User'])
  scope: teamsWebhook
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Key Vault Secrets User'])
  }
}]

resource eventsSecretReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (secret, index) in eventsSecretsNames: if (!empty(eventsSecrets[secret])) {
  name: guid(eventsSecret[index].id, eventsReader, roles['Key Vault Secrets User'])
  scope: eventsSecret[index]
  properties: {
    principalId: eventsReader
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Key Vault Secrets User'])
  }
}]

resource dnsKeysReader 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for principal in dnsKeysReaders: if (!empty(dnsKeys)) {
  name: guid(dnsKeysSecret.id, principal, roles['Key Vault Secrets User'])
  scope: dnsKeysSecret
  properties: {
    principalId: principal
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Key Vault Secrets User'])
  }
}]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

output id string = vault.id
output name string = vault.name
output linkKeyName string = linkKey.name
output teamsWebhookName string = teamsWebhookName
output dnsKeysName string = dnsKeysName
