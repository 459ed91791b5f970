#!/bin/sh
# Pins the images that the overlays run: each by registry and digest, in components/images.
#
#   deploy/k8s/pin.sh REGISTRY/mot/client@sha256:... REGISTRY/mot/triton-gpu@sha256:...
#
# `docker push` prints the digest, and so does:
#   docker image inspect --format '{{index .RepoDigests 0}}' REGISTRY/mot/client:1.2
set -eu
file=$(dirname "$0")/components/images/kustomization.yaml
for image; do
    repository=${image%@*}
    digest=${image#*@}
    name=mot/${repository##*/}
    if ! printf %s "$digest" | grep -Eqx 'sha256:[0-9a-f]{64}'; then
        echo "pin.sh: $image has no digest; write REPOSITORY@sha256:64-HEX-DIGITS" >&2
        exit 1
    fi
    if ! grep -Fqx "  - name: $name" "$file"; then
        echo "pin.sh: $image: $file has no image $name" >&2
        exit 1
    fi
    awk -v name="$name" -v repository="$repository" -v digest="$digest" '
        $1 == "-" { mine = ($3 == name) }
        mine && $1 == "newName:" { sub(/newName:.*/, "newName: " repository) }
        mine && $1 == "digest:" { sub(/digest:.*/, "digest: " digest) }
        { print }
    ' "$file" > "$file.new"
    mv "$file.new" "$file"
done
