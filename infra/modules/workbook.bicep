// The workbook: infra/workbook/onboarding.json, shown in the portal beside Application Insights.

param location string
param tags object
param workspaceId string
param insightsId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'onboarding-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Operator Connect onboarding'
    category: 'workbook'
    sourceId: insightsId
    // The file is as the portal's editor writes it, but for the one name that differs from place to place.
    serializedData: replace(loadTextContent('../workbook/onboarding.json'), '{workspace-id}', workspaceId)
  }
}

output id string = workbook.id
