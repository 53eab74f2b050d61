"""What Application Insights is in the sandbox: receives OpenTelemetry (OTLP over HTTP) and shows what came."""
