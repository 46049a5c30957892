"""Shapes: what the compute one promises, and that the lab remembers what it was made as."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from escalator_lab import golden, software
from escalator_lab.errors import Refused
from escalator_lab.lab import Lab
from escalator_lab.layout import Layout
from escalator_lab.shape import MINIMAL, Network, compute


@pytest.mark.parametrize("number", [4, 5, 7, 16])
def test_guests_of_a_group_are_apart_and_in_their_zones_and_a_host_is_spare(number: int) -> None:
    shape = compute(number)
    zones = {host.name: host.zone for host in shape.computes}
    assert len(zones) == number
    assert set(zones.values()) == {"az1", "az2"}
    for group in {guest.group for guest in shape.guests if guest.group}:
        homes = [guest.home for guest in shape.guests if guest.group == group]
        assert len(homes) > 1
        assert len(set(homes)) == len(homes)
    assert all(guest.zone in {"", zones[guest.home]} for guest in shape.guests)
    assert "c1" not in {guest.home for guest in shape.guests}
    assert len({guest.offset for guest in shape.guests}) == len(shape.guests) >= 6
    assert len({host.offset for host in shape.hosts}) == len(shape.hosts)


@pytest.mark.parametrize("number", [3, 17])
def test_a_number_of_computes_that_cannot_be_is_refused(number: int) -> None:
    with pytest.raises(Refused, match=f"shape compute with {number} computes"):
        compute(number)


def test_a_folder_remembers_the_lab_that_it_was_made_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert Lab.known(layout) == Lab(layout, Network(), MINIMAL)
    made = Lab(layout, Network("x", "10.80.0.0/24"), compute(5))
    layout.marker.write_text(json.dumps({"shape": "compute", "computes": 5, "lab": "x", "subnet": "10.80.0.0/24"}))
    assert Lab.known(layout) == made
    layout.marker.write_text(json.dumps({"shape": "minimal", "lab": "lab"}))  # as earlier ones wrote it
    assert Lab.known(layout) == Lab(layout, Network(), MINIMAL)


def test_clouds_kept_of_one_shape_never_replace_those_of_another(tmp_path: Path) -> None:
    layout, network = Layout(tmp_path), Network()
    names = [golden.fingerprint(layout, network, shape, "b") for shape in (MINIMAL, compute(4), compute(5))]
    assert len({name.rsplit("-", 1)[0] for name in names}) == 3
    assert names[0].startswith("b-lab-")
    assert not any(name.startswith("b-lab-") for name in names[1:])


def test_builds_are_ordered_as_debian_orders_versions() -> None:
    table = (
        " qemu-utils | 1:7.2+dfsg-7+deb12u18+b3 | http://deb.debian.org/debian bookworm/main amd64 Packages\n"
        " qemu-utils | 1:7.2+dfsg-7+deb12u9 | http://security.debian.org/debian-security x/main amd64 Packages\n"
        " qemu-utils | 1:7.2+dfsg-7~rc1 | http://deb.debian.org/debian bookworm-updates/main amd64 Packages\n"
    )
    assert software._builds(table) == {
        "qemu-utils": ["1:7.2+dfsg-7~rc1", "1:7.2+dfsg-7+deb12u9", "1:7.2+dfsg-7+deb12u18+b3"]
    }
