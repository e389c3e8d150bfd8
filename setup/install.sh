#!/usr/bin/env bash
# Makes this machine ready for Unikernel Lab: Debian packages, the Python environment .venv/, the library OS.
#
#   setup/install.sh [lab|test] [--plan] [--anyway]
#
#   lab        what the course needs (the default)
#   test       that, and what `make test` needs
#   --plan     say what would be done, and do nothing
#   --anyway   go on even if nobody has tried this system
#
# It can be run again at any time: what is there already is left as it is. A run that was cut short is taken
# up by the next one, and of two runs at the same time the second waits for the first.
#
# Its own files are in .setup/: `log` (everything that the package tools said), `lock`, and one file for each
# finished stage that holds the checksum of what it was made from.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname -- "$here")
state=$root/.setup
log=$state/log
venv=$root/.venv
system_python=/usr/bin/python3   # Debian's own: libvirt's binding is compiled against it
cache=${LABKIT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/labkit}   # as labkit/settings.py has it
os_release=/etc/os-release       # (tests give other ones with --python and --os-release)

purpose=lab
plan=no
anyway=no

# ---------------------------------------------------------------- what the reader sees

say() { printf '%s\n' "$*"; }

# die WHAT NEXT-STEP...: the end, in the words of labkit's errors.
die() {
    bar_off
    printf '\nset-up: %s\n' "$1" >&2
    shift
    local line
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

# bar PERCENT TEXT: a progress bar on a terminal; nothing in a log.
bar() {
    [ -t 1 ] || return 0
    local width=24 full
    full=$(( $1 * width / 100 ))
    printf '\r\033[K  [%s%s] %3d %%  %.60s' "$(repeat '#' "$full")" "$(repeat . $(( width - full )))" "$1" "$2"
}

bar_off() { if [ -t 1 ]; then printf '\r\033[K'; fi; }

repeat() {
    local text=''
    printf -v text '%*s' "$2" ''
    printf '%s' "${text// /$1}"
}

# ---------------------------------------------------------------- the command line

usage() { sed -n '4,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

while [ $# -gt 0 ]; do
    case $1 in
        lab|test) purpose=$1 ;;
        --plan) plan=yes ;;
        --anyway) anyway=yes ;;
        --os-release) os_release=${2:?--os-release takes a file}; shift ;;
        --python) system_python=${2:?--python takes a file}; shift ;;
        -h|--help) usage; exit 0 ;;
        *) usage >&2; die "I do not know '$1'." ;;
    esac
    shift
done

# ---------------------------------------------------------------- this system

# read_system: sets id, version, pretty, status (tested, planned, unknown) and the renames of setup/systems.txt.
read_system() {
    id=unknown version=unknown pretty='an unknown system' status=unknown renames=''
    if [ -r "$os_release" ]; then
        id=$(os_field ID) version=$(os_field VERSION_ID) pretty=$(os_field PRETTY_NAME)
    fi
    local an_id a_version a_status others
    while read -r an_id a_version a_status others; do
        if [ "$an_id $a_version" = "$id $version" ]; then status=$a_status renames=$others; fi
    done < <(grep -v '^ *\(#\|$\)' "$here/systems.txt")
}

os_field() { sed -n "s/^$1=//p" "$os_release" | tr -d "\"'" | head -n 1; }

check_system() {
    local known
    known=$(awk '/^[a-z]/ && $3 == "tested" { printf "%s%s %s", sep, $1, $2; sep = ", " }' "$here/systems.txt")
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        die "This is $pretty, which has no apt-get: the set-up installs Debian packages." \
            "It works on: $known. A container or a virtual machine with one of them will do."
    fi
    if [ "$(uname -m)" != x86_64 ]; then
        die "This is a machine of the kind $(uname -m); the unikernels are made for x86_64 only."
    fi
    if [ "$status" != tested ] && [ "$anyway" = no ]; then
        die "This is $pretty, where nobody has tried the lab yet." \
            "It works on: $known. A container or a virtual machine with one of them will do." \
            "To try it here all the same: bash setup/install.sh $purpose --anyway"
    fi
}

# check_space FOLDER MEGABYTES WHAT
check_space() {
    local free
    free=$(df --output=avail -BM "$1" | tail -n 1 | tr -dc 0-9)
    if [ "$free" -lt "$2" ]; then
        die "The disk is too full: $3 take $2 MB, and the disk of $1 has $free MB left." "Make room, then start again."
    fi
}

# ---------------------------------------------------------------- stage 1: Debian packages

# wanted: the packages of this purpose, by the names that they have on this system.
wanted() {
    local package group rename
    while read -r package group; do
        [ "$group" = lab ] || [ "$purpose" = test ] || continue
        for rename in $renames; do
            if [ "${rename%%=*}" = "$package" ]; then package=${rename#*=}; fi
        done
        say "$package"
    done < <(sed 's/#.*//; /^ *$/d' "$here/debian-packages.txt")
}

# missing PACKAGE...: those that are not completely installed.
missing() {
    local installed
    installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p') || true
    LC_ALL=C comm -23 <(printf '%s\n' "$@" | LC_ALL=C sort -u) <(LC_ALL=C sort -u <<<"$installed")
}

# find_absent: sets `absent`, the packages that this purpose needs and this system lacks.
find_absent() {
    local all
    mapfile -t all < <(wanted)
    mapfile -t absent < <(missing "${all[@]}")
}

# apt_size PACKAGE...: what they and all that they need weigh, if apt knows the packages already. Only simulates:
# `--assume-no` would install, since apt asks nothing when it needs no package besides those named.
apt_size() {
    local new
    mapfile -t new < <(LC_ALL=C apt-get -s --no-install-recommends install "$@" 2>/dev/null |
        sed -n 's/^Inst \([^ ]*\) .*/\1/p')
    [ ${#new[@]} -gt 0 ] || return 0
    apt-cache --no-all-versions show "${new[@]}" 2>/dev/null | awk -v count=${#new[@]} '
        /^Size:/ { bytes += $2 }
        /^Installed-Size:/ { kib += $2 }
        END { printf "%d in all, %d MB to download, %d MB on the disk", count, bytes / 1e6 + 1, kib / 977 + 1 }'
}

# choose_sudo: sets `become`, the words to put before a command so that it runs as root.
choose_sudo() {
    become=()
    [ "$(id -u)" != 0 ] || return 0
    local by_hand=(
        "Ask whoever looks after this machine to run this once, then start again:"
        "  apt-get install --no-install-recommends ${absent[*]}")
    if ! command -v sudo >/dev/null; then
        die "Packages are missing, you are not root, and there is no sudo here." "${by_hand[@]}"
    fi
    if ! sudo -n true 2>/dev/null; then
        if [ ! -t 0 ]; then
            die "Packages are missing, and sudo wants a password with nobody there to type it." "${by_hand[@]}"
        fi
        say "  sudo asks for your password, to install the packages:"
        sudo -v || die "sudo does not let you install packages." "${by_hand[@]}"
    fi
    become=(sudo)
}

# apt ARGUMENT...: apt-get, its words to the log and its progress to the bar.
#
# apt makes its status descriptor non-blocking. If packages' scripts wrote to the same pipe, they would fail when it is
# full; so the shell that sudo starts (sudo passes on no descriptor above 2) gives them the log instead.
apt() {
    # shellcheck disable=SC2016  # the inner shell expands them
    "${become[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        sh -c 'log=$1; shift; exec apt-get "$@" 3>&1 >>"$log" 2>&1' sh "$log" \
        -q -y -o APT::Status-Fd=3 -o DPkg::Lock::Timeout=600 "$@" </dev/null 9>&- |
        while IFS=: read -r kind _ percent text; do
            percent=${percent%%.*}
            case $kind in
                dlstatus) bar $(( percent * 4 / 10 )) "$text" ;;
                pmstatus) bar $(( 40 + percent * 6 / 10 )) "$text" ;;
            esac
        done
}

install_packages() {
    choose_sudo
    say "--- $(date -u +%FT%TZ) packages: ${absent[*]}" >>"$log"
    # A run of dpkg that was cut short must be ended first.
    if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
        "${become[@]}" env DEBIAN_FRONTEND=noninteractive dpkg --configure -a >>"$log" 2>&1 </dev/null || true
    fi
    # Packages that apt knows are tried first: a machine whose lists are fresh needs no update.
    if ! apt install --no-install-recommends "${absent[@]}"; then
        apt update || true
        apt install --no-install-recommends "${absent[@]}" || packages_failed
    fi
    bar_off
    mapfile -t absent < <(missing "${absent[@]}")
    [ ${#absent[@]} = 0 ] || packages_failed
}

packages_failed() {
    bar_off
    local last
    last=$(tail -n 200 "$log")
    if grep -qiE 'could not resolve|temporary failure|could not connect|network is unreachable|connection (timed out|refused|failed)|unable to connect' <<<"$last"; then
        die "The Debian packages cannot be fetched: no connection to the package server." \
            "Check the network (and the proxy settings of apt, if you have a proxy), then start again." \
            "What apt-get said is at the end of $log."
    fi
    if grep -qi 'no space left\|enough free space' <<<"$last"; then
        die "The disk is full." "Make room, then start again: it goes on where it stopped."
    fi
    grep '^E:' <<<"$last" | tail -n 3 | sed 's/^/  /' >&2
    die "apt-get could not install: ${absent[*]}" \
        "All that it said is at the end of $log." \
        "Often 'apt-get update' and 'apt-get --fix-broken install' (as root) mend it. Then start again."
}

# ---------------------------------------------------------------- stage 2: Python

python_key() {
    { cat "$here/requirements-$1.lock" "$root/pyproject.toml" "$here/install.sh" "$here/jupyterlab-overrides.json"
      say "$root"; "$system_python" -VV 2>&1; } | sha256sum | cut -d' ' -f1
}

# python_ready: .venv/ was made from the files as they are now, for this purpose or a wider one.
python_ready() {
    [ -x "$venv/bin/labkit" ] && [ -x "$system_python" ] || return 1
    local a_purpose
    for a_purpose in test lab; do
        if [ "$(cat "$state/python-$a_purpose" 2>/dev/null)" = "$(python_key "$a_purpose")" ]; then return 0; fi
        if [ "$a_purpose" = "$purpose" ]; then return 1; fi
    done
}

make_python() {
    local lock=$here/requirements-$purpose.lock
    if [ -e "$venv" ] && [ ! -e "$state/venv" ]; then
        die "There is a .venv/ in this folder that this set-up did not make." \
            "Move it away or delete it, then start again."
    fi
    # Anything unfinished, of another Python or another place is made anew; otherwise pip brings it up to date.
    local made_from
    made_from="$root $("$system_python" -VV 2>&1)"
    if [ "$(cat "$state/venv" 2>/dev/null)" != "$made_from" ]; then
        say unfinished >"$state/venv"
        rm -rf "$venv"
        "$system_python" -m venv "$venv" >>"$log" 2>&1 ||
            die "Python could not make .venv/." "What it said is at the end of $log."
    fi
    rm -f "$state"/python-*
    say unfinished >"$state/venv"
    # setuptools first, pinned like the rest: what has to be compiled is compiled with it.
    sed -n '/^setuptools==/,/[^\\]$/p' "$lock" >"$state/setuptools.lock"
    pip_install --require-hashes --no-deps -r "$state/setuptools.lock"
    pip_install --require-hashes --no-deps --no-build-isolation -r "$lock"
    pip_install --no-deps --no-build-isolation -e "$root"
    # JupyterLab starts without questions about news, and asks nobody for updates.
    mkdir -p "$venv/share/jupyter/lab/settings"
    cat "$here/jupyterlab-overrides.json" >"$venv/share/jupyter/lab/settings/overrides.json"
    # JupyterLab finds the lab's own extension here; by a link, so that it is always the one of this folder.
    mkdir -p "$venv/share/jupyter/labextensions"
    ln -sfn "$root/labkit/ui/widgets/labextension" "$venv/share/jupyter/labextensions/unikernel-lab"
    bar_off
    say "$made_from" >"$state/venv"
    python_key "$purpose" >"$state/python-$purpose"
}

# pip_install ARGUMENT...: with Debian's tools only, whatever conda, pyenv or opam put into PATH.
pip_install() {
    local count=0 total
    total=$(grep -c '^[A-Za-z].*==' "$here/requirements-$purpose.lock")
    env -u PYTHONHOME -u PYTHONPATH -u CC -u CFLAGS -u LDFLAGS -u PKG_CONFIG_PATH PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off "$@" 2>&1 </dev/null |
        while IFS= read -r line; do
            say "$line" >>"$log"
            case $line in
                Collecting*|*'already satisfied'*) count=$(( count + 1 )); bar $(( count < total ? count * 70 / total : 70 )) "${line%% (*}" ;;
                Building*) bar 75 "$line" ;;
                'Installing collected'*) bar 85 "${line%%:*}" ;;
            esac
        done || python_failed
}

python_failed() {
    bar_off
    local last
    last=$(tail -n 60 "$log")
    if grep -qiE 'failed to establish|temporary failure|max retries|name resolution|network is unreachable|read timed out' <<<"$last"; then
        die "The Python packages cannot be fetched: no connection to the package index." \
            "Check the network (and pip's index and proxy settings, if you have your own), then start again." \
            "What pip said is at the end of $log."
    fi
    if grep -qi 'no space left' <<<"$last"; then
        die "The disk is full." "Make room, then start again: it goes on where it stopped."
    fi
    grep -i '^ *error' <<<"$last" | tail -n 3 | sed 's/^/  /' >&2
    die "pip could not install the Python packages." "All that it said is at the end of $log."
}

# ---------------------------------------------------------------- stage 3: the library OS, and the proof

proof_key() {
    { find "$root/libos" "$root/images/hello" -type f -not -path '*/_build/*' -print0 | sort -z |
        xargs -0 sha256sum
      cat "$here/prove.py"
      say "$cache" "$(id -u)"; } | sha256sum | cut -d' ' -f1
}

proved() {
    [ -d "$cache/libos" ] || return 1
    local now
    now=$(proof_key)
    [ "$(cat "$state/proved" 2>/dev/null)" = "$now" ]
}

prove() {
    rm -f "$state/proved"
    "$venv/bin/python" "$here/prove.py" </dev/null 9>&- || exit 1
    proof_key >"$state/proved"
}

# ---------------------------------------------------------------- all of it

read_system
check_system
find_absent

todo=()
if [ ${#absent[@]} -gt 0 ]; then
    size=$(apt_size "${absent[@]}" || true)
    todo+=("Debian packages: ${#absent[@]} and what they need (${size:-up to 500 MB to download, 2 GB on the disk})")
fi
python_ready || todo+=("Python packages: $(grep -c '==' "$here/requirements-$purpose.lock"), pinned, in .venv/ (100 MB to download, 270 MB on the disk)")
{ [ ${#todo[@]} = 0 ] && proved; } || todo+=("The library OS: compiled into your cache, then proved by booting hello (half a minute, 30 MB)")

if [ ${#todo[@]} = 0 ]; then
    [ "$plan" = no ] || say "Nothing to do: everything is there."
    exit 0
fi

say "Set-up of Unikernel Lab for '$purpose' on $pretty:"
printf '  - %s\n' "${todo[@]}"
if [ "$plan" = yes ]; then
    if [ ${#absent[@]} -gt 0 ]; then say "The Debian packages: ${absent[*]}"; fi
    exit 0
fi

if ! mkdir -p "$state" 2>/dev/null || ! [ -w "$state" ] || ! { [ ! -e "$venv" ] || [ -w "$venv" ]; }; then
    die "The set-up cannot write in $root." \
        "The folder, or an earlier set-up in it, is another user's. Clone the project into a folder of your own."
fi
exec 9>"$state/lock"
if ! flock -n 9; then
    say "Another set-up is at work in this folder; waiting for it."
    flock 9
    find_absent
fi

trap 'bar_off; say "Cut short. The next run goes on from here." >&2; exit 130' INT TERM
started=$SECONDS
if [ ${#absent[@]} -gt 0 ]; then
    check_space /usr 2500 "the Debian packages"
    say "Debian packages ..."
    begin=$SECONDS
    install_packages
    say "  done in $(( SECONDS - begin )) s"
fi
if ! python_ready; then
    check_space "$root" 400 "the Python packages"
    say "Python packages ..."
    begin=$SECONDS
    make_python
    say "  done in $(( SECONDS - begin )) s"
fi
if ! proved; then prove; fi
say "Ready after $(( SECONDS - started )) s."
