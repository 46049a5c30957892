"""The lab's layer-2 agent: reports its state like a real one, and wires nothing."""

import logging
import signal
import sys
import threading

from neutron.agent import rpc as agent_rpc
from neutron.common import config as common_config
from neutron.conf.agent import common as agent_config
from neutron_lib import context
from oslo_config import cfg

from escalator_lab_drivers.network import AGENT_TYPE

TOPIC = "q-reports-plugin"


def main():
    """Report until SIGTERM."""
    agent_config.register_agent_state_opts_helper(cfg.CONF)
    common_config.register_common_config_options()
    common_config.init(sys.argv[1:])
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
    reports = agent_rpc.PluginReportStateAPI(TOPIC)
    while True:
        try:
            reports.report_state(context.get_admin_context_without_session(), state, use_call=False)
            state.pop("start_flag", None)
        except Exception:  # whatever goes wrong with one report, the next is due
            log.exception("the report failed")
        if ended.wait(cfg.CONF.AGENT.report_interval):
            return


if __name__ == "__main__":
    main()
