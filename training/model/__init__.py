"""The network: backbones, neck with deformable convolutions, heads, decoding."""
