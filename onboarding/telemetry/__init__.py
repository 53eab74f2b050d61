"""What this application tells of itself: spans, metrics, logs. Without a destination in the settings nothing is
imported that costs, and only the redaction of logs is at work."""
