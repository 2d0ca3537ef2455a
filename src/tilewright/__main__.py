"""``python -m tilewright`` is ``tilewright``."""

import sys

from tilewright.cli import main

sys.exit(main())
