"""Carrying a plan out: :mod:`.executor`, :mod:`.rollback` and :mod:`.commit` over one :class:`.driver.Driver`."""
