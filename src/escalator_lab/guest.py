"""The guest that stands in for a VNF: Debian's cloud kernel, and an initramfs with busybox and the VNF's program.

Nothing comes from elsewhere than Debian's archive; the program (``templates/guest/vnf.c``) is compiled in the hosts'
own Debian.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from pathlib import Path

from escalator_lab import chroot, image
from escalator_lab.errors import CommandFailed, NotPossibleHere
from escalator_lab.files import text
from escalator_lab.layout import Layout
from escalator_lab.progress import Progress

COMMAND_LINE = "console=ttyS0 quiet no_timer_check mitigations=off panic=-1"
MEMORY_MB = 96
READY = "VNF-READY"
LONGEST_TRIAL_S = {"kvm": 25, "tcg": 120}
KERNEL, INITRAMFS = "vmlinuz", "initrd.gz"


def current(layout: Layout) -> bool:
    """Whether kernel and initramfs are there and made of what is wanted now."""
    try:
        return (layout.guest / "made-of").read_text() == _digest()
    except OSError:
        return False


def build(layout: Layout, progress: Progress) -> None:
    """Make kernel and initramfs unless they are there; complete or not there."""
    if current(layout):
        return
    with progress.step("the VNFs' guest image"):
        part = layout.guest.with_suffix(".part")
        for old in (part, layout.guest):
            shutil.rmtree(old, ignore_errors=True)
        part.mkdir(parents=True)
        for name in ("vnf.c", "init.sh", "modules.txt"):
            (part / name).write_text(text(f"guest/{name}"))
        log = part / "build.log"
        chroot.run_in(layout, layout.toolchain, chroot.GET_COMPILER, log, binds={})
        chroot.run_in(
            layout, part / "scratch", _SCRIPT, log, binds={"/build": part}, lower=(layout.toolchain / "upper",)
        )
        shutil.rmtree(part / "scratch")
        (part / "made-of").write_text(_digest())
        part.rename(layout.guest)


_SCRIPT = """
apt-get update -q
cd /build
wanted=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \\(linux-image-[^ ]*\\)$/\\1/p' | head -1)
apt-get download -q -o APT::Sandbox::User=root "$wanted" busybox-static
mkdir kernel busybox initramfs initramfs/modules initramfs/bin initramfs/proc initramfs/sys initramfs/dev
dpkg-deb -x linux-image-*.deb kernel
dpkg-deb -x busybox-static_*.deb busybox
cp kernel/boot/vmlinuz-* vmlinuz
for module in $(cat modules.txt); do
  cp "$(find kernel/lib/modules -name "$module.ko")" initramfs/modules/
done
cp modules.txt initramfs/modules/list
cp busybox/bin/busybox initramfs/bin/busybox
cc -O2 -Wall -Wextra -Werror -static -s -o initramfs/vnf vnf.c
install -m 755 init.sh initramfs/init
mknod -m 600 initramfs/dev/console c 5 1
(cd initramfs && find . | ./bin/busybox cpio -o -H newc) | gzip -9 > initrd.gz
rm -rf kernel busybox initramfs ./*.deb
"""


def accelerator(layout: Layout, progress: Progress) -> str:
    """``kvm`` where a guest boots under it, else ``tcg``. Tried by booting one, once per boot of this machine.

    That /dev/kvm can be opened proves nothing. NotPossibleHere where a guest boots under neither.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    file = layout.guest / "accelerator.json"
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        known = {}
    if known.get("boot") == boot:
        return str(known["accelerator"])
    with progress.step("trying how guests boot on this machine"):
        for kind in ("kvm", "tcg"):
            if kind == "kvm" and not Path("/dev/kvm").exists():
                continue
            seconds = _boots(layout, kind)
            if seconds is not None:
                progress.say(f"a guest boots under {kind} in {seconds:.1f} s")
                file.write_text(json.dumps({"boot": boot, "accelerator": kind}) + "\n")
                return kind
            progress.say(f"no guest boots under {kind}")
    raise NotPossibleHere("a guest boots neither under KVM nor under TCG", f"see {layout.guest}/trial-*.log")


def _boots(layout: Layout, kind: str) -> float | None:
    """Boot a guest in a chroot of the computes' software; seconds until the VNF runs, None where it does not."""
    folder = layout.guest / "trial"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    accel = "kvm -cpu host" if kind == "kvm" else "tcg,tb-size=32"
    began = time.monotonic()
    script = f"""
    qemu-system-x86_64 -accel {accel} -m {MEMORY_MB} -nodefaults -display none -no-reboot -serial file:/trial/serial \\
      -kernel /guest/{KERNEL} -initrd /guest/{INITRAMFS} -append '{COMMAND_LINE}' &
    qemu=$!
    for _ in $(seq {LONGEST_TRIAL_S[kind] * 5}); do
      if grep -q {READY} /trial/serial 2>/dev/null; then kill $qemu; exit 0; fi
      kill -0 $qemu 2>/dev/null || exit 1
      sleep 0.2
    done
    kill $qemu
    exit 1
    """
    try:
        chroot.run_in(
            layout, folder / "scratch", script, layout.guest / f"trial-{kind}.log",
            binds={"/trial": folder, "/guest": layout.guest}, lower=(layout.compute / "layer",),
        )  # fmt: skip
    except CommandFailed:
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return time.monotonic() - began


def _digest() -> str:
    """What the guest depends on."""
    parts = [text(f"guest/{name}") for name in ("vnf.c", "init.sh", "modules.txt")]
    return hashlib.sha256(repr((parts, _SCRIPT, image.packages())).encode()).hexdigest()[:12]
