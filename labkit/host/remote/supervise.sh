#!/bin/sh
# Watches over one guest on a server, for a client elsewhere: starts it when told to, and when the client has gone, or
# is silent for too long, ends it and removes all that was brought for it. Run by the server's sh.
#
#   FOLDER NAME PATIENCE CONFIGURATION BEGIN END
#
#   FOLDER         the lab's folder on this server; the guest gets FOLDER/guests/NAME
#   PATIENCE       how many seconds the client may be silent
#   CONFIGURATION  of the guest, put into the file `configuration` there
#   BEGIN, END     scripts, run there, that start the guest, and end it if there is one
#
# From the client, on standard input, single letters: `.` it is there, `s` start, `e` end, `q` remove all and leave.
# To the client: `ready`, `began STATUS`, `ended STATUS`, `gone STATUS`; the words of scripts are on standard error.

lab=$1
guest=$lab/guests/$2
patience=$3
PATH=$PATH:/usr/sbin:/sbin
umask 022

# begin_of_self: when this process began (field 22 of /proc/PID/stat), by which it is told from a later one.
begin_of_self() {
    read -r line <"/proc/$$/stat"
    # shellcheck disable=SC2086  # the fields, apart
    set -- ${line##*) }
    echo "${20}"
}

trap '' PIPE   # that nobody listens any more the end of the input tells

new=$lab/guests/.new-$$
if [ -e "$new" ]; then rm -rf -- "$new"; fi
if ! {
    mkdir -m 711 -- "$new" && cd -- "$new" &&
    printf '%s' "$4" >configuration && printf '%s' "$5" >begin && printf '%s' "$6" >end &&
    mkfifo -m 600 console.in console.out control.in control.out &&
    echo "$$ $(begin_of_self)" >owner &&
    mv -T -- "$new" "$guest" && cd -- "$guest"
}; then
    rm -rf -- "$new"
    exit 1
fi

end() { timeout 60 sh ./end </dev/null >&2; }

leave() {
    trap '' HUP INT TERM
    exec 3>&- 4>&- 5>&-
    for pipe in ./*.in ./*.out; do : <>"$pipe"; done   # lets go of whoever waits there
    status=0
    if [ "$there" = yes ]; then end; status=$?; fi
    if [ "$status" = 0 ]; then cd / && rm -rf -- "$guest"; fi
    echo "gone $status"   # then, with time at hand: what nobody uses any more
    find "$lab/images" -type f \( -name '*.part-*' -mmin +60 -o -mtime +30 \) -delete
}
there=no   # the guest
trap leave EXIT
trap 'exit 1' HUP INT TERM

exec 3<>console.out 4<>control.out 5<>console.in   # so that nobody waits for the guest to open them
echo ready
while letter=$(timeout "$patience" dd bs=1 count=1 2>/dev/null) && [ -n "$letter" ]; do
    case $letter in
        s)
            there=yes
            timeout 60 sh ./begin </dev/null >&2 3>&- 4>&- 5>&-
            status=$?
            exec 3>&- 4>&- 5>&-
            echo "began $status"
            ;;
        e)
            end
            status=$?
            [ "$status" = 0 ] && there=no
            echo "ended $status"
            ;;
        q) break ;;
    esac
done
