// Nothing chosen but what must be.
using '../main.bicep'

param environmentName = 'production'
param location = 'uksouth'
