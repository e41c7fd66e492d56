#!/usr/bin/env bash
# Set up what tests/windows runs: a Windows Python under Wine with a made-up DirectShow camera, and in it relaycore,
# cross-built from this checkout, with the packages of requirements/windows.txt.
#
#   scripts/windows.sh
#
# All of it goes to .cache/windows, or where RELAYWIN says: 1.4 GB, and about five minutes the first time. Wine, the camera
# and the cross compiler come from the folder shared/windows that stands beside the checkout. Needs Debian and
# root, the virtual environment of the checkout, and the packages of `scripts/packages.sh windows`: `make windows` sees to these.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$repository/../shared/windows
export RELAYWIN=${RELAYWIN:-$repository/.cache/windows}
python_version=3.13

if [ ! -x "$tools/setup.sh" ]; then
    echo "windows.sh: there is no ../shared/windows beside $repository: put the folder with setup.sh there and try again." >&2
    exit 1
fi

if [ ! -e "$RELAYWIN/complete" ]; then
    mkdir -p "$RELAYWIN"
    "$tools/setup.sh" "$RELAYWIN"
    touch "$RELAYWIN/complete"
fi

# pip compares what a package requires with the Python that runs pip, not with the one that the package is for.
"$repository/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --no-compile \
    --platform win_amd64 --python-version "$python_version" --only-binary=:all: --ignore-requires-python \
    --upgrade --target "$RELAYWIN/site" --requirement "$repository/requirements/windows.txt"

# What is not in the new wheel any more must not be left of an old one.
rm -rf "$RELAYWIN"/site/relaycore "$RELAYWIN"/site/relaycore-*.dist-info
"$tools/winwheel" "$repository"
