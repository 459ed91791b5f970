"""Serves an H.264 file by RTSP until it is killed; run by the system's python: rtsp_server.py PORT FILE [JUMP].

JUMP: seconds by which the time stamps jump in the middle, at the 30th packet.

Needs Debian's python3-gi, gir1.2-gst-rtsp-server-1.0 and GStreamer's good and bad plugins. Status 3 without them.
"""

import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer
except (ImportError, ValueError):
    sys.exit(3)

Gst.init(None)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(f"( filesrc location={sys.argv[2]} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 )")


def jump_in_the_middle(_, media):
    pad = media.get_element().get_by_name_recurse_up("pay0").get_static_pad("sink")
    seen = []

    def probe(_, info):
        seen.append(1)
        if len(seen) >= 30:
            buffer = info.get_buffer()
            buffer.pts = int(buffer.pts + float(sys.argv[3]) * Gst.SECOND)
        return Gst.PadProbeReturn.OK

    pad.add_probe(Gst.PadProbeType.BUFFER, probe)


if len(sys.argv) > 3:
    factory.connect("media-configure", jump_in_the_middle)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
sys.stdout.write("ready\n")
sys.stdout.flush()
GLib.MainLoop().run()
