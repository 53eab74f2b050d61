"""The pages, as people see and use them: real Chromium against the whole system on this machine."""
