#!/usr/bin/python3 -IS
"""Health of a web server as its container sees it: status 0 if the address answers 200.

answers.py URL
"""

import http.client
import sys
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1])
connection = http.client.HTTPConnection(url.netloc, timeout=5)
try:
    connection.request("GET", url.path)
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    sys.exit(f"{type(error).__name__}: {error}")
sys.exit(0 if status == 200 else f"status {status}")
