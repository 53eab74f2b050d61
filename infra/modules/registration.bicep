// This application's registration in Microsoft Entra, with its four app roles. It has no client secret: App Service
// authentication proves who it is with the managed identity (a federated credential), so that nothing expires.
// Source: Microsoft Learn, "Configure your App Service or Azure Functions app to use Microsoft Entra sign-in", section
// "Use a managed identity instead of a secret".
// Whoever deploys needs the Entra role Application Developer, or more. Without it: docs/deploy.md, "Sign-in".

extension microsoftGraphV1

@description('Names the registration for good: a second deployment finds it by this.')
param uniqueName string
param displayName string
@description('Where people reach the application: https://… without a slash at the end.')
param publicUrl string
@description('Object id of the managed identity that the app signs in with.')
param identityPrincipalId string

var graphAppId = '00000003-0000-0000-c000-000000000000'
// User.Read, delegated: what signing in itself takes.
var userRead = 'e1fe6dd8-ba31-4d61-89e7-88639da4683d'

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  appRoles: loadJsonContent('../app-roles.json')
  api: {
    requestedAccessTokenVersion: 2
  }
  web: {
    redirectUris: [
      '${publicUrl}/.auth/login/aad/callback'
    ]
    implicitGrantSettings: {
      // App Service authentication asks for an id token by form post besides the code.
      enableIdTokenIssuance: true
    }
  }
  requiredResourceAccess: [
    {
      resourceAppId: graphAppId
      resourceAccess: [
        {
          id: userRead
          type: 'Scope'
        }
      ]
    }
  ]
}

resource credential 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${application.uniqueName}/function-app'
  description: 'App Service authentication proves itself with the managed identity of the function app.'
  issuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  subject: identityPrincipalId
  audiences: [
    'api://AzureADTokenExchange'
  ]
}

// Nobody without a role gets past the sign-in, and roles are given to people and groups on this object.
resource servicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
  appRoleAssignmentRequired: true
}

output clientId string = application.appId
output servicePrincipalId string = servicePrincipal.id
