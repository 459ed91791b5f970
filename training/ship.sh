#!/bin/sh
# From a run's checkpoint to everything that is shipped: the weights for PyTorch, two sizes for Triton, and the values
# that tests expect of them. Again with other weights, or other thresholds: the same command.
#
#     training/ship.sh runs/default/embedded.pt NEW,HIGH,LOW street.jpg
#
# What is measured afterwards is written into the files by `mot-export config MODEL --accuracy ... --speed ...`.
set -eu
checkpoint=$1 thresholds=$2 image=$3
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
export PYTHONPATH=$PWD
terms="research: some of the training data is licensed for non-commercial use; model_repository/README.md says which"
$python -m training.cli release "$checkpoint" training/pretrained/fairmot.pt --recipe default
while read -r name width height; do
    $python -m export.cli model training/pretrained/fairmot.pt --output "model_repository/$name" --overwrite \
        --width "$width" --height "$height" --thresholds "$thresholds" --terms "$terms" --image "$image" < /dev/null
done << END
fairmot 640 352
fairmot_fast 448 256
END
$python -m tests.shipped_model
$python -m client.cli models
