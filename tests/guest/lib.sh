# shellcheck shell=bash
# Shared by build and run: where the guest's kernel is kept.

GUEST_SRC=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
GUEST_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/visaged
GUEST_SOURCES=(linux-source-6.1 v4l2loopback-source)

# Prints the folder of the kernel that belongs to this checkout and these Debian packages. Its name holds a hash of
# everything the kernel is made from, so a changed input gives another folder, and nothing is built twice.
guest_dir() {
	local hash
	hash=$(
		{
			cat "$GUEST_SRC/build" "$GUEST_SRC/guest.config" "$GUEST_SRC"/patches/*.patch
			# A missing package prints no version, and then no kernel is found, which is right.
			dpkg-query -W -f '${Package} ${Version}\n' "${GUEST_SOURCES[@]}" 2>/dev/null || true
			gcc -dumpfullversion 2>/dev/null || true
		} | sha256sum
	)
	printf '%s/guest-%s\n' "$GUEST_CACHE" "${hash:0:16}"
}
