"""A real small OpenStack cloud on one machine: for the demo, the tests and newcomers."""
