"""One file per kind of action; :func:`escalator.actions.registry.verbs_of` finds the verbs of a kind.

What the planner writes and the verbs read (``args``; all of it JSON):

=================  =======================================================================  ======================================
kind               args                                                                     do / undo
=================  =======================================================================  ======================================
bundle.verify      bundle, path, sha256, components                                         checksum and manifest on our side / -
bundle.stage       bundle, path, sha256, root, present                                      unpack on the host, import-check / remove
                                                                                            it unless it was ``present`` before
check.command      argv, ok (exit statuses), env, what                                      run a check of the component / -
check.site         (none)                                                                   services and agents up, balancer whole / -
backup.take        databases {component: [schema]}, paths {host: [path]}, reason, spare     a verified backup / - (it is kept)
schema.expand      component, argv (list of commands), bundle, hold (schema or "")          additive schema change / - (it stays)
balancer.drain     backend, server, wait_s                                                  out of rotation, sessions 0 / ready
balancer.ready     backend, server, wait_s                                                  in rotation and up / drain
unit.stop          unit, health, stop_s                                                     stop / start and wait until healthy
unit.start         unit, health, stop_s                                                     start and wait until healthy / stop
unit.switch        unit, root, from, to                                                     repoint the active link / back
unit.enable        unit, enabled, was                                                       at-boot state / as it was
unit.verify        unit, bundle, component, version                                         read back from the process / -
compute.disable    reason, wait_s                                                           not scheduled to, nothing under way / enabled
compute.enable     reason, wait_s                                                           scheduled to again / disabled, quiet
api.probe          service; of a prepared test: test, when, component, phase, too           use it as a tenant would / -
test.command       test, when, component, phase, argv, folder, timeout_s                    a prepared test, run on our side / -
test.http          test, when, component, phase, url, ok, contains, timeout_s               a prepared test / -
soak               duration_s                                                               wait under the guard's eyes / -
data.migrate       component, argv, again, done (exit statuses), bundle                     batches until done / impossible
schema.contract    component, argv (list of commands), bundle                               destructive schema change / impossible
bundle.remove      bundle, root                                                             delete an old bundle / -
restore.prove      backup                                                                   whole, and its version files there / -
restore.stop       units, running                                                           stop all units / start those that ran
restore.load       backup, schema                                                           a dump for what is there / impossible
restore.configure  backup                                                                   configuration as it was / impossible
restore.start      backup                                                                   links, boot states, units / impossible
restore.serve      (none)                                                                   wait until all is up / -
restore.reconcile  backup, present (id of the action that backed the present up)            what is lost / -
=================  =======================================================================  ======================================

``health`` is a list of conditions that must all hold: ``{"kind": "http", "url", "ok": [lowest, highest]}`` (asked on the host
itself), ``{"kind": "settled", "seconds"}`` (active for so long without restart), ``{"kind": "compute_service", "binary",
"host"}``, ``{"kind": "network_agent", "binary", "host"}`` (up, and heard of since the start), each waited for up to the
action's longest time.
"""
