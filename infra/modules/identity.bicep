// An identity of an app. It holds no secret: Azure gives its tokens to that app alone. Identities are an app's, not a
// function's: any code in an app can have a token of any identity that the app has.

param name string
param location string
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
