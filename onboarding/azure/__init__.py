"""The adapters to Azure and Microsoft Graph, one module each. Microsoft's SDKs are imported on first use."""
