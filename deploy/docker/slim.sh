#!/bin/sh
# Takes out of an environment what no program of ours uses: slim.sh /opt/mot
set -eu
cd "$1"/lib/python3*/site-packages
# Headers, static libraries, sources of what is compiled, maps for debuggers of scripts; the packages' own tests.
find . \( -name '*.h' -o -name '*.hpp' -o -name '*.a' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.map' \) -delete
find . -type d -name tests -prune -exec rm -r {} +
# Debuggers' symbols. Not in *.libs, whose files auditwheel has rearranged in a way that strip may not understand.
find . -name '*.so*' -size +300k -not -path '*.libs/*' -exec strip --strip-unneeded {} +
# Triton's Pythons that are not this one; Arrow's network services; pydeck's Jupyter extension.
rm -f nvidia_pytriton.libs/libpython3*
rm -f pyarrow/libarrow_flight.so* pyarrow/libarrow_substrait.so* pyarrow/_flight*.so pyarrow/_substrait*.so
rm -rf pydeck/nbextension
