"""An independent reference of the rule language and of the extraction of what matched."""
