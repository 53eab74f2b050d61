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

// This application's own scope. The id is made up, and must stay.
var useApi = 'e7697ba0-693b-5143-9406-f637f0a4f09f'
// Azure CLI, Microsoft's own application in every tenant.
var azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46'

resource application 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  appRoles: loadJsonContent('../app-roles.json')
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: useApi
        value: 'user_impersonation'
        type: 'User'
        isEnabled: true
        adminConsentDisplayName: 'Use the API in a person\'s name'
        adminConsentDescription: 'What may be done is decided by the person\'s own app roles.'
      }
    ]
    // `az account get-access-token` gives an operator a token for the API without further set-up.
    preAuthorizedApplications: [
      {
        appId: azureCli
        delegatedPermissionIds: [
          useApi
        ]
      }
    ]
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

// Roles are given to people and groups on this object. Whoever holds none isn't even signed in; that takes an
// administrator's consent once, since Entra lets nobody consent for themselves to such an application.
resource servicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: application.appId
  appRoleAssignmentRequired: true
}

output clientId string = application.appId
output servicePrincipalId string = servicePrincipal.id
