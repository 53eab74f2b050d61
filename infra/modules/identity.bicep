// One identity of the application. It holds no secret: Azure gives its tokens to the function app alone.
// A second one (a reader for the HTTP functions and the timer, say) is this module once more, and a second function
// app with it: settings, and so the identity that a trigger signs in with, are the app's, not a function's.

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
