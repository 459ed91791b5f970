#!/usr/bin/python3 -IS
"""Health of a Triton server as a container sees it: status 0 if a black image passes through the model.

Ready is not enough: Triton says so while a model process is dead and every second request fails. Standard library
alone, so that a check takes some hundredths of a second beside the inference.

    infers.py [MODEL [HTTP-PORT]]      by default through the proxy, so that it is seen, too, where there is one
"""

import http.client
import json
import math
import os
import sys

# Microseconds in the queue; then Triton says so, and a server that has enough to do is not one that is broken.
_QUEUE_US = 5_000_000
_BUSY = ("exceeds maximum queue size", "timeout expired")
_BYTES = {"UINT8": 1, "FP16": 2, "FP32": 4}


def main(model: str = "fairmot", port: str = os.environ.get("MOT_HTTP_PROXY_PORT", "8000")) -> str:
    """What is wrong; empty if nothing is."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=8)
    try:
        connection.request("GET", f"/v2/models/{model}")
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            return f"status {answer.status}: {text[:300]!r}"
        described = json.loads(text)
        inputs, body = [], b""
        for tensor in described["inputs"]:
            shape = [max(1, size) for size in tensor["shape"]]  # -1, any batch, as 1
            size = math.prod(shape) * _BYTES[tensor["datatype"]]
            inputs.append({**tensor, "shape": shape, "parameters": {"binary_data_size": size}})
            body += bytes(size)
        head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True, "timeout": _QUEUE_US}}).encode()
        headers = {"Inference-Header-Content-Length": str(len(head)), "Content-Type": "application/octet-stream"}
        connection.request("POST", f"/v2/models/{model}/infer", head + body, headers)
        answer = connection.getresponse()
        text = answer.read()
        busy = any(words in text.decode(errors="replace").lower() for words in _BUSY)
        return "" if answer.status == 200 or busy else f"status {answer.status}: {text[:300]!r}"
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


if __name__ == "__main__":
    if fault := main(*sys.argv[1:]):
        sys.exit(fault)
