"""The operator that exported graphs may have and ONNX Runtime has not: its domain, its name, its library."""

from __future__ import annotations

DOMAIN = "mot.ops"
LIBRARY = "libdeform_conv.so"  # lies beside the graph
REMEDY = "`make plugin` builds it, mot-export model --dcn plugin puts it beside the graph; --dcn native needs none"
