"""An ML2 mechanism driver that binds any port on a host whose lab agent is alive."""

from neutron.plugins.ml2.drivers import mech_agent
from neutron_lib.api.definitions import portbindings

AGENT_TYPE = "Escalator lab agent"


class LabMechanism(mech_agent.SimpleAgentMechanismDriverBase):
    """No data plane stands behind the ports that it binds."""

    def __init__(self):
        details = {
            portbindings.CAP_PORT_FILTER: True,
            portbindings.VIF_DETAILS_CONNECTIVITY: portbindings.CONNECTIVITY_L2,
        }
        super().__init__(AGENT_TYPE, portbindings.VIF_TYPE_OVS, details)

    @property
    def connectivity(self):
        """Layer 2."""
        return portbindings.CONNECTIVITY_L2

    def get_allowed_network_types(self, agent):
        """Every type that the lab's ML2 offers."""
        return ["local", "flat", "vlan"]

    def get_mappings(self, agent):
        """The agent's physical networks."""
        return dict(agent["configurations"].get("interface_mappings", {}))

    def check_vlan_transparency(self, context):
        """No."""
        return False
