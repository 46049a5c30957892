"""Chaos: the real driver, journal, engine, lease and verbs over a sandbox, killed everywhere, and resumed.

``make chaos`` does all of it, ``make test`` every k-th point. ``CHAOS_SEED`` (printed), ``CHAOS_EVERY`` (k) and
``CHAOS_COUNT`` (kills in the long campaign) make a run again as it was.

- :mod:`.sandbox`, ``host/``, :mod:`.cloud`: hosts are folders with small real programs first on PATH and real processes
  as services, the cloud and its load balancer a process. Each writes what it brings about to a *ledger*, by its own
  hand: what a killed life had begun goes on, and is recorded.
- :mod:`.adapters`, :mod:`.points`, :mod:`.child`: one *life* of Escalator, put together as its service does, which can
  end at any *point*: before and after each record is durable; before a call is sent, while it is under way (the host
  goes on with it), and when it is done and its answer unused; before each change of a backup's files.
- :mod:`.worker`, :mod:`.workers`: lives are forked from processes that have imported everything. A *chain* is one run
  that is killed at several points, each once; points that stand beside each other are in different chains.
- :mod:`.ledger`: what counts as lost, and as done twice.
- :mod:`.faults`: frozen drivers, two at once, full and read-only disks, clocks, the database server killed.
"""
