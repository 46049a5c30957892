#!/bin/busybox sh
# The first process of a VNF guest: drivers, the address that its config drive tells, then the VNF itself.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
exec >/dev/console 2>&1
for m in $($b cat /modules/list); do $b insmod /modules/$m.ko; done
# the network card and the config drive appear a little later; a guest without them (a trial boot) goes on
n=0
while { [ ! -d /sys/class/net/eth0 ] || [ ! -b /dev/sr0 ]; } && [ $n -lt 30 ]; do $b usleep 100000; n=$((n + 1)); done
set -- $(/vnf --read /dev/sr0)
address=$1 name=$2
$b hostname "$name"
$b ip link set lo up
if [ -d /sys/class/net/eth0 ]; then
  echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6
  $b ip link set eth0 up
  case $address in
    -/*) echo "no address" ;;
    *)
      $b ip addr add "$address" dev eth0
      $b arping -q -U -c 2 -I eth0 "${address%/*}" &
      ;;
  esac
fi
echo "VNF-READY $name $address $($b cat /proc/uptime)"
exec /vnf "$name"
