"""``python -m relaycore`` does what the script ``relaycore`` does."""

import sys

from relaycore.control.cli import main

sys.exit(main())
