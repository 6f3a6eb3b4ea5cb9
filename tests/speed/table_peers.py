"""Times a peer library of tables in `.venv-peers`: `python table_peers.py FILE.npz` prints CPU seconds of one DeLong test."""

import sys
import time

import numpy as np
from MLstatkit import Delong_test

data = np.load(sys.argv[1])
truth, first, second = data["truth"], data["first"], data["second"]
seconds = []
while len(seconds) < 3:
    start = time.process_time()
    Delong_test(truth, first, second)
    seconds.append(time.process_time() - start)
print(min(seconds))
