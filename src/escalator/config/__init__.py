"""The files operators write: site.yaml and campaign.yaml, checked at the edge."""
