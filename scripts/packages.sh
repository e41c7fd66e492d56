#!/usr/bin/env bash
# Install the Debian packages that a task needs and that are not there yet.
#
#   scripts/packages.sh build|test|browser|bench|vm|windows PYTHON
#
#   build    a C linker for Rust, and the venv module of the interpreter PYTHON
#   test     the players and libraries of tests/interop
#   browser  the browsers of tests/browser, and letters of all languages for it
#   bench    the peers of benchmarks/versus, and what publishes there
#   vm       what scripts/camera_vm.sh boots with
#   windows  what scripts/windows.sh needs before it installs Wine
#
# Only root on a system with apt can install; anyone else is told what is missing and gets status 1.
set -euo pipefail

group=${1:?group of packages: build, test, browser, bench, vm or windows}
python=${2:?Python interpreter}

packages=()
case $group in
build)
    command -v cc >/dev/null || packages+=(gcc libc6-dev)
    "$python" -c "import ensurepip, venv" 2>/dev/null || packages+=(python3-venv)
    ;;
test)
    command -v cc >/dev/null || packages+=(gcc libc6-dev)
    command -v npm >/dev/null || packages+=(nodejs npm)
    packages+=(
        curl
        ffmpeg
        gir1.2-gst-rtsp-server-1.0
        glib-networking
        gstreamer1.0-libav
        gstreamer1.0-plugins-bad
        gstreamer1.0-plugins-base
        gstreamer1.0-plugins-good
        gstreamer1.0-plugins-ugly
        gstreamer1.0-rtsp
        gstreamer1.0-tools
        iproute2
        libgstreamer-plugins-base1.0-dev
        libgstreamer1.0-dev
        mpv
        pkg-config
        python3-gi
        valgrind
    )
    ;;
browser)
    packages+=(chromium ffmpeg firefox-esr fonts-dejavu-core fonts-wqy-microhei)
    ;;
bench)
    packages+=(
        ffmpeg
        gir1.2-gst-rtsp-server-1.0
        gstreamer1.0-plugins-bad
        gstreamer1.0-plugins-base
        gstreamer1.0-plugins-good
        python3-gi
    )
    ;;
vm)
    packages+=(busybox-static cpio ffmpeg gcc kmod linux-headers-amd64 make qemu-system-x86)
    ;;
windows)
    command -v mvn >/dev/null || packages+=(maven)
    packages+=(ffmpeg)
    ;;
*)
    echo "packages.sh: no group named '$group'; use build, test, browser, bench, vm or windows" >&2
    exit 2
    ;;
esac

missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
        missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "These packages are missing: ${missing[*]}. Install them and try again (as root: apt-get install ${missing[*]})." >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}"
