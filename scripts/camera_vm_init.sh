#!/bin/busybox sh
# First process of the virtual machine that camera_vm.sh boots: modules, file systems, cameras, and then the command.
export PATH=/bin
/bin/busybox --install /bin

mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do
    insmod "/modules/$module"
done </modules/order
insmod /modules/vivid.ko n_devs=1 node_types=0x1 num_inputs=1 input_types=0 no_error_inj=1
# With exclusive_caps the device says that it is a camera only while something feeds it, as programs expect.
insmod /modules/v4l2loopback.ko video_nr=9 exclusive_caps=1 'card_label="HD Camera"' max_buffers=4

nine='trans=virtio,version=9p2000.L,msize=524288'
mount -t 9p -o "$nine,ro,cache=loose" host /host || poweroff -f
mount --bind /host /new
for folder in tmp run; do
    mount -t tmpfs tmpfs "/new/$folder"
done
# The checkout may lie in one of the folders that are hidden now.
repository=$(cat /repository)
mkdir -p "/new$repository"
mount --bind "/host$repository" "/new$repository"
mount --bind /dev /new/dev
mkdir -p /new/dev/shm
mount -t tmpfs shm /new/dev/shm
mount -t proc proc /new/proc
mount -t sysfs sys /new/sys
mount -t 9p -o "$nine" share /new/mnt

ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 up
route add default gw 10.0.2.2

inside() {
    chroot /new /usr/bin/env -i HOME=/root TERM=dumb PYTHONDONTWRITEBYTECODE=1 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /bin/bash "$@"
}
inside -c 'ffmpeg -v error -nostdin -re -f lavfi -i testsrc2=size=640x480:rate=30,format=yuvj422p \
    -c:v mjpeg -q:v 5 -f v4l2 /dev/video9' >/new/tmp/feed.log 2>&1 &
# The device has a format from when the feeding begins.
until [ -n "$(cat /sys/class/video4linux/video9/format)" ]; do
    usleep 100000
done
echo "camera-vm: up after $(cut -d ' ' -f 1 /proc/uptime) s"

inside /mnt/.command
echo $? >/new/mnt/.status
sync
poweroff -f
