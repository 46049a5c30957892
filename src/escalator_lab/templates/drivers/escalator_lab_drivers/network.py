"""An ML2 mechanism driver that binds any port on a host whose lab agent is alive."""

from neutron.plugins.ml2.drivers import mech_agent
from neutron_lib.api.definitions import portbindings

AGENT_TYPE = "Escalator lab agent"


class LabMechanism(mech_agent.SimpleAgentMechanismDriverBase):
    """Binds to the bridge that the host's agent tells of; without one, no data plane stands behind the ports."""

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

    def get_vif_type(self, context, agent, segment):
        """How Nova plugs guests in on the agent's host."""
        return portbindings.VIF_TYPE_BRIDGE if agent["configurations"].get("guests_bridge") else self.vif_type

    def get_vif_details(self, context, agent, segment):
        """Into which bridge Nova plugs them."""
        bridge = agent["configurations"].get("guests_bridge")
        return {**self.vif_details, portbindings.VIF_DETAILS_BRIDGE_NAME: bridge} if bridge else self.vif_details

    def get_allowed_network_types(self, agent):
        """Every type that the lab's ML2 offers."""
        return ["local", "flat", "vlan"]

    def get_mappings(self, agent):
        """The agent's physical networks."""
        return dict(agent["configurations"].get("interface_mappings", {}))

    def check_vlan_transparency(self, context):
        """No."""
        return False
