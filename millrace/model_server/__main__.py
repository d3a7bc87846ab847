"""`python -m millrace.model_server`."""

import sys

from millrace.model_server.command import main

sys.exit(main(sys.argv[1:]))
