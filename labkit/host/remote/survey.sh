#!/bin/sh
# Asked of a server before guests are put on it: makes the lab's folder there, removes what dead clients left, and
# says what the server can do. Run by its sh; nothing of labkit is installed there.
#
#   FOLDER URI MANAGER     each may be empty: then it is a folder of its own in TMPDIR or /var/tmp, libvirt's own
#                          default, and what is found there, `xl` or `libvirt`
#
# Prints lines of the form `NAME VALUE`. Words of programs that fail are on standard error.

if [ -n "$1" ]; then folder=$1; else folder=${TMPDIR:-/var/tmp}/labkit-$(id -u); fi
uri=$2
manager=$3

virsh_() { virsh ${uri:+-c "$uri"} "$@"; }

# start_of PID: when a process began (field 22 of /proc/PID/stat); nothing if it has gone.
start_of() {
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    # shellcheck disable=SC2086  # the fields, apart
    set -- ${line##*) }
    [ "$1" = Z ] || echo "${20}"
}

# release FOLDER: lets go of whoever waits at a pipe in it.
release() {
    for pipe in "$1"/*.in "$1"/*.out; do
        if [ -p "$pipe" ]; then : <>"$pipe"; fi
    done
}

if [ ! -d "$folder/guests" ]; then
    umask 066
    mkdir -p -- "$folder/images" "$folder/guests"
    umask 022
fi
if [ -h "$folder" ] || [ ! -O "$folder/guests" ] || [ ! -O "$folder" ]; then
    echo "$folder is not a folder of yours" >&2
    echo "folder no"
    exit 0
fi

for guest in "$folder"/guests/*; do
    [ -d "$guest" ] || continue
    owner='' start=''
    { read -r owner start <"$guest/owner"; } 2>/dev/null
    if [ -n "$owner" ] && [ "$(start_of "$owner")" = "$start" ]; then continue; fi
    release "$guest"
    if [ ! -e "$guest/end" ] || timeout 60 sh "$guest/end" </dev/null >&2; then
        rm -rf -- "$guest"
        echo "swept ${guest##*/}"
    fi
done

for new in "$folder"/guests/.new-*; do
    if [ -d "$new" ] && [ ! -d "/proc/${new##*-}" ]; then rm -rf -- "$new"; fi
done

echo "folder $(cd -- "$folder" && pwd -P)"
echo "machine $(uname -m)"
PATH=$PATH:/usr/sbin:/sbin
# Each question costs a small server some time: no more than are needed.
if [ "$manager" != libvirt ] && command -v xl >/dev/null; then
    if free=$(xl info free_memory); then echo "xl $free"; exit; fi
fi
if [ "$manager" != xl ] && command -v virsh >/dev/null && command -v qemu-system-x86_64 >/dev/null; then
    if told=$(virsh_ uri); then
        echo "libvirt $told"
        echo "memory $(awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo)"
        if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
            echo "kvm $( { uname -r; grep -m 1 '^model name' /proc/cpuinfo; stat -Lc %Y /usr/bin/qemu-system-x86_64; } | cksum | tr ' ' -)"
        fi
    fi
fi
