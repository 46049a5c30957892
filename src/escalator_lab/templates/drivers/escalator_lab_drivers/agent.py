"""The lab's layer-2 agent: reports its state like a real one.

Nova and libvirt plug guests into the host's bridge, where there is one; the agent tells Neutron which ports are there.
It never touches a port: that it is stopped, or changed for another release, no packet notices.
"""

import json
import logging
import signal
import sys
import threading
import time

from neutron.agent import rpc as agent_rpc
from neutron.common import config as common_config
from neutron.conf.agent import common as agent_config
from neutron_lib import context
from oslo_config import cfg

from escalator_lab_drivers.network import AGENT_TYPE

TOPIC = "q-reports-plugin"
PORTS_TOPIC = "q-plugin"
WIRED = "/run/escalator-lab/ports.json"  # published by the host's package escalator-lab-agent
LOOK_S = 1.0
OPTIONS = [cfg.StrOpt("bridge", default="", help="The bridge that guests are plugged into; none where empty.")]


class Ports:
    """Tells Neutron which ports are wired: when one comes or goes, and all of them now and then.

    Now and then, because a guest that is being moved here is plugged in before Neutron takes this host for the port's.
    """

    def __init__(self, host):
        self.version = ""
        self.who = {"agent_id": f"escalator-lab-{host}", "host": host}
        self.known = set()
        self.due = 0.0
        self.api = agent_rpc.PluginApi(PORTS_TOPIC)

    def look(self):
        """Compare with what was told before; what fails is told the next time."""
        with open(WIRED, encoding="utf-8") as file:
            wired = json.load(file)
        self.version, there = wired["version"], set(wired["ports"])
        if there == self.known and (not there or time.monotonic() < self.due):
            return
        self.api.update_device_list(
            context.get_admin_context_without_session(), sorted(there), sorted(self.known - there), **self.who
        )
        self.known = there
        self.due = time.monotonic() + cfg.CONF.AGENT.report_interval


def main():
    """Report until SIGTERM."""
    agent_config.register_agent_state_opts_helper(cfg.CONF)
    common_config.register_common_config_options()
    common_config.init(sys.argv[1:])
    cfg.CONF.register_opts(OPTIONS, "escalator_lab")
    bridge = cfg.CONF.escalator_lab.bridge
    log = logging.getLogger("escalator_lab.agent")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    state = {
        "binary": "escalator-lab-agent",
        "host": cfg.CONF.host,
        "topic": "N/A",
        "configurations": {"tunnel_types": [], "interface_mappings": {"physnet1": "br0"}},
        "agent_type": AGENT_TYPE,
        "start_flag": True,
    }
    if bridge:
        state["configurations"]["guests_bridge"] = bridge
    reports = agent_rpc.PluginReportStateAPI(TOPIC)
    ports = Ports(cfg.CONF.host) if bridge else None
    due = 0.0
    while True:
        try:
            if time.monotonic() >= due:
                due = time.monotonic() + cfg.CONF.AGENT.report_interval
                reports.report_state(context.get_admin_context_without_session(), state, use_call=False)
                state.pop("start_flag", None)
            if ports:
                ports.look()
                state["configurations"]["wired_by"] = ports.version
        except Exception:  # whatever goes wrong with one report, the next is due
            log.exception("the report failed")
        if ended.wait(LOOK_S if ports else cfg.CONF.AGENT.report_interval):
            return


if __name__ == "__main__":
    main()
