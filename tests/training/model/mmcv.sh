#!/bin/sh
# An environment of its own with real mmcv, whose ModulatedDeformConv2d the DCN provider "mmcv" calls:
#
#     tests/training/model/mmcv.sh                     # into build/mmcv: 6 GB, and an hour of compiling on one core
#     python -m pytest -m mmcv tests/training/model    # runs the provider's tests there; MOT_MMCV names another place
#
# mmcv-full 1.7.2 is from before the torch that this project needs: its setup.py asks for pkg_resources, which newer
# setuptools lack, and its sources do not compile against torch's newest headers. torch 2.0 is the newest it was made
# for and the oldest for Python 3.11 with all its packages. The operators are built for the CPU. JOBS compilers at a time.
set -eu
place=${1:-build/mmcv}
${PYTHON:-python3.11} -m venv "$place"
pip="$place/bin/python -m pip --disable-pip-version-check"
$pip install --quiet 'setuptools<70' wheel ninja
# numpy 1: this torch was built against it. The rest is what mmcv and the tests import.
$pip install --quiet torch==2.0.1 torchvision==0.15.2 'numpy<2' 'opencv-python-headless<4.12' addict packaging \
    pillow pyyaml yapf pytest
MMCV_WITH_OPS=1 FORCE_CUDA=0 MAX_JOBS=${JOBS:-1} $pip install --no-build-isolation --no-deps --no-binary :all: \
    mmcv-full==1.7.2
"$place/bin/python" -c 'import torch, mmcv, mmcv.ops; print("torch", torch.__version__, "mmcv", mmcv.__version__)'
