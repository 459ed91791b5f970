#!/bin/sh
# Put ONNX Runtime's headers, 1.21, into a folder: out of Debian trixie's package libonnxruntime-dev.
#
#     fetch_headers.sh FOLDER
#
# The package comes from the Debian mirror that this machine is already configured for; nothing is installed. Headers
# older than every runtime are wanted: a library built against newer ones would be refused by an older runtime.
set -eu
folder=$1
suite=trixie

fail() {
    echo "fetch_headers.sh: $1; give a folder with onnxruntime_cxx_api.h (1.21 or older) instead:" >&2
    echo "    make plugin ORT_INCLUDE_DIR=/path/to/include" >&2
    echo "Nothing needs the plugin: mot-export model --dcn native uses ONNX's own DeformConv." >&2
    exit 69
}

command -v apt-get > /dev/null || fail "this is no Debian or Ubuntu, so there is no libonnxruntime-dev to fetch"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
test -r "$keyring" || fail "$keyring is missing (package debian-archive-keyring)"
mirror=$(apt-get indextargets --format '$(SITE) $(LABEL)' 'Identifier: Packages' |
    awk '$2 == "Debian" && !printed { print $1; printed = 1 }')
test -n "$mirror" || fail "no Debian mirror is configured"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"  # apt drops its rights while it downloads
mkdir -p "$work/lists/partial" "$work/archives/partial"
echo "deb [signed-by=$keyring] $mirror $suite main" > "$work/sources.list"
cat > "$work/apt.conf" << EOF
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$work/lists";
Dir::Cache "$work";
APT::Sandbox::User "root";
Acquire::Languages "none";
EOF
export APT_CONFIG="$work/apt.conf"
apt-get -qq update || fail "the mirror has no suite $suite"
(cd "$work" && apt-get -qq download libonnxruntime-dev) || fail "libonnxruntime-dev could not be fetched"
dpkg -x "$work"/libonnxruntime-dev_*.deb "$work/package"
mkdir -p "$folder"
cp "$work/package/usr/include/onnxruntime/"*.h "$folder"
