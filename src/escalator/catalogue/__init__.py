"""What is known of releases and components, as data, and the schema-risk scan."""
