"""Who runs what, when. The core knows :class:`escalator.engine.port.Engine` only; adapters stand beside it."""
