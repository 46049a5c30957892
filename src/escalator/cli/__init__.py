"""The command line: each command reads its options, calls one verb of :mod:`escalator.service` and shows the answer."""
