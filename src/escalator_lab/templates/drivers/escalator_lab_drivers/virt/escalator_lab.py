"""Nova's fake driver with a memory: its guests are still there after a restart of nova-compute."""

import json
import os

from nova import conf
from nova.virt import fake

CONF = conf.CONF


class Guests(dict):
    """The driver's table of guests, kept in a file; every change is on disk before it returns."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        try:
            with open(path, encoding="utf-8") as file:
                known = json.load(file)
        except FileNotFoundError:
            known = {}
        for uuid, (name, state) in known.items():
            dict.__setitem__(self, uuid, fake.FakeInstance(name, state, uuid))

    def save(self):
        """Write the table; complete or the old one."""
        beside = self.path + ".new"
        with open(beside, "w", encoding="utf-8") as file:
            json.dump({uuid: (guest.name, guest.state) for uuid, guest in self.items()}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path)

    def __setitem__(self, uuid, guest):
        super().__setitem__(uuid, guest)
        self.save()

    def __delitem__(self, uuid):
        super().__delitem__(uuid)
        self.save()

    def pop(self, *given):
        """Remove one guest."""
        guest = super().pop(*given)
        self.save()
        return guest


class LabDriver(fake.FakeDriverWithoutFakeNodes):
    """Guests without a hypervisor, which survive a restart of nova-compute."""

    def __init__(self, virtapi, read_only=False):
        super().__init__(virtapi, read_only)
        self.instances = Guests(os.path.join(CONF.state_path, "guests.json"))

    def post_live_migration(self, context, instance, block_device_info, migrate_data=None):
        """The guest left this host."""
        self.instances.pop(instance.uuid, None)

    def get_host_uptime(self):
        """The machine's own."""
        with open("/proc/uptime", encoding="ascii") as file:
            return file.read()
