"""Azure Resource Manager, as far as the resource provider Microsoft.VoiceServices goes."""
