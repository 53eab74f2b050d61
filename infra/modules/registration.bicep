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

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  appRoles: loadJsonContent('../app-roles.json')
  // The API's one scope, with an id that is made up and must stay. Azure CLI, Microsoft's own application in every tenant,
  // is pre-authorised: `az account get-access-token` gives an operator a token without further set-up.
  api: loadJsonContent('../app-api.json')
  web: {
    redirectUris: [
      '${publicUrl}/.auth/login/aad/callback'
    ]
    implicitGrantSettings: {
      // App Service authentication asks for an id token by form post besides the code.
      enableIdTokenIssuance: true
    }
  }
  // Of Microsoft Graph openid, profile, email and User.Read, delegated: all that signing in asks for, so that an
  // administrator's consent covers it. Nobody can consent for themselves where an assignment is required (below).
  requiredResourceAccess: loadJsonContent('../app-access.json')
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

// Roles are given to people and groups on this object. Whoever holds none isn't even signed in; that takes an
// administrator's consent once, since Entra lets nobody consent for themselves to such an application.
resource servicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
  appRoleAssignmentRequired: true
}

output clientId string = application.appId
output servicePrincipalId string = servicePrincipal.id
