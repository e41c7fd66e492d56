#!/usr/bin/env bash
# Boot a small virtual machine that has two real V4L2 cameras, run one command in it, and give back its status.
#
#   scripts/camera_vm.sh [--share DIRECTORY] [--forward HOST_PORT:GUEST_PORT] [--timeout SECONDS] COMMAND
#
# COMMAND is a line for bash. In the machine are:
#   /dev/video0  vivid, "a webcam": YUYV and other raw formats, a test picture with a running clock
#   /dev/video9  v4l2loopback, "HD Camera": MJPEG 4:2:2 of 640x480 at 30 frames a second
#   /            the file system of this machine, read-only at the same paths, with a /tmp and a /run of its own
#                (but for this checkout, should it lie in one of them)
#   /mnt         DIRECTORY, writable (default: none but a temporary one)
# A TCP port of the machine comes out on 127.0.0.1 by --forward; it reaches nothing outside itself.
#
# It is Debian's kernel under qemu without hardware acceleration, so that it runs inside other virtual machines.
# Kernel and modules are kept in .cache/camera-vm. The packages: scripts/packages.sh vm.
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=$(dirname "$scripts")/.cache/camera-vm
share=
forward=
limit=240
while [ $# -gt 1 ]; do
    case $1 in
    --share) share=$(realpath "$2") ;;
    --forward) forward=,hostfwd=tcp:127.0.0.1:${2%:*}-:${2#*:} ;;
    --timeout) limit=$2 ;;
    *) break ;;
    esac
    shift 2
done
[ $# -eq 1 ] || { echo "usage: camera_vm.sh [--share DIRECTORY] [--forward HOST:GUEST] [--timeout SECONDS] COMMAND" >&2; exit 2; }
command=$1

mkdir -p "$cache"
work=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ -z "$share" ]; then
    share=$work/share
    mkdir "$share"
fi

# The version of the kernel that Debian's metapackage names now, like 6.1.0-56-amd64.
newest_kernel() {
    apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: linux-image-//p' | head -n 1
}

# Download a package of Debian and unpack it into the folder $2, without installing it.
unpack() (
    mkdir -p "$work/download"
    cd "$work/download"
    # Not as root, apt-get cannot drop its rights for a download; as root, it may not write here when it does.
    apt-get download --quiet=2 --option APT::Sandbox::User=root "$1"
    dpkg --extract "$1"_*.deb "$2"
)

kernel=$(newest_kernel)
if [ -z "$kernel" ]; then
    apt-get update --quiet=2
    kernel=$(newest_kernel)
fi
tree=$cache/$kernel
if [ ! -e "$tree/complete" ]; then
    rm -rf "$tree"
    unpack "linux-image-$kernel" "$tree"
    unpack v4l2loopback-dkms "$tree"
    make --silent -C "/usr/src/linux-headers-$kernel" M="$(echo "$tree"/usr/src/v4l2loopback-*)" modules >/dev/null
    depmod --basedir "$tree" "$kernel"
    touch "$tree/complete"
fi

# The initial file system: busybox, the modules in the order in which they go in, and the script that does the rest.
root=$work/root
mkdir -p "$root"/{bin,modules,proc,sys,dev,host,new}
dirname "$scripts" >"$root/repository"
cp /bin/busybox "$root/bin/"
for module in virtio_pci virtio_net 9pnet_virtio 9p videodev videobuf2-v4l2 videobuf2-vmalloc vivid; do
    modprobe --dirname "$tree" --set-version "$kernel" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++' | while read -r file; do
    cp "$file" "$root/modules/"
    # vivid goes in last, with options.
    [ "${file##*/}" = vivid.ko ] || echo "${file##*/}" >>"$root/modules/order"
done
cp "$tree"/usr/src/v4l2loopback-*/v4l2loopback.ko "$root/modules/"
install -m 755 "$scripts/camera_vm_init.sh" "$root/init"
(cd "$root" && find . | cpio --create --format=newc --quiet | gzip -1) >"$work/initrd"

printf '%s\n' "$command" >"$share/.command"
rm -f "$share/.status"
timeout "$limit" qemu-system-x86_64 \
    -accel tcg,thread=multi -cpu max -smp 2 -m 2048 \
    -nodefaults -no-reboot -display none -serial stdio \
    -kernel "$tree/boot/vmlinuz-$kernel" -initrd "$work/initrd" \
    -append "console=ttyS0 quiet loglevel=3 panic=-1" \
    -netdev "user,id=net,restrict=on$forward" -device virtio-net-pci,netdev=net,romfile= \
    -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
    -virtfs local,path="$share",mount_tag=share,security_model=none </dev/null &
qemu=$!
trap 'kill "$qemu"' TERM INT
wait "$qemu" ||
    echo "camera_vm.sh: qemu ended with status $? (124: after the limit of $limit seconds)" >&2

status=$(cat "$share/.status" 2>/dev/null || echo 125)
rm -f "$share/.status" "$share/.command"
exit "$status"
