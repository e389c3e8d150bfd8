An image is built in a folder of its own.

  $ build() {
  >   rm -rf work && cp -rL images/$1 work && cd work &&
  >   ocamlfind ocamlopt -package mirage -linkpkg config.ml -o config.exe &&
  >   ./config.exe generate --target unix --out . &&
  >   echo '(lang dune 2.9)' > dune-project &&
  >   dune build --root . ./main.exe 2>&1 | grep -v directory
  >   cd ..
  > }
  $ run() { ./work/_build/default/main.exe "$@" </dev/null 2>&1 | sed 's/^[-0-9]*T[0-9][:0-9]*/TIME/'; }

  $ build nothing
  $ run

Arguments, logs and sleep.

  $ build greeting
  $ run
  TIME-00:00: [INFO] [application] hello world, I am greeting
  TIME-00:00: [INFO] [application] hello world, I am greeting
  $ run --whom='the moon' --name earth
  TIME-00:00: [INFO] [application] hello the moon, I am earth
  TIME-00:00: [INFO] [application] hello the moon, I am earth
  $ run --logs warning
  $ run -l quiet,application:info --delay=0
  TIME-00:00: [INFO] [application] hello world, I am greeting
  TIME-00:00: [INFO] [application] hello world, I am greeting
  $ run --whim
  greeting: unknown option '--whim', did you mean '--whom'?
  Usage: greeting [--whom=VAL] [OPTION]…
  Try 'greeting --help' for more information.
  $ ./work/_build/default/main.exe --whim 2>/dev/null
  [64]
  $ TERM=dumb ./work/_build/default/main.exe --help | grep -A1 whom
         greeting [--whom=VAL] [OPTION]…
  
  --
         --whom=VAL (absent=world)
             Whom to greet.
  $ TERM=dumb ./work/_build/default/main.exe --help >/dev/null
  [63]
  $ ./work/_build/default/main.exe --logs loud 2>&1 | head -1
  greeting: option '--logs': invalid element in list ('loud'): "loud": unknown

Modules and libraries of the folder.

  $ build library
  $ run
  red and green

Random numbers, and promises cancelled.

  $ build race
  $ run
  hare
  the other was cancelled

The clocks.

  $ build clock
  $ run
  TIME-00:00:  [application] booted less than a minute ago: true
  TIME-00:00:  [application] this century: true
  TIME-00:00:  [application] 1970-01-01 00:00:00 -00:00

Functors: the counter that two of them share is connected once.

  $ build functors
  $ run
  counting from 1
  doubled
  1, then 4
  3, then 8
  $ run --first 7 --last=11
  counting from 7
  doubled
  7, then 16
  9, then 20

The end: a status, a backtrace that names the source, and always the hooks.

  $ build ends
  $ run
  goodbye
  $ ./work/_build/default/main.exe >/dev/null
  [3]
  $ run --how failure | grep -v 'src/core\|stdlib.ml\|Unikernel_'
  Fatal error: exception Failure("failure")
  Called from Dune__exe__Unikernel.start.(fun) in file "unikernel.ml", line 18, characters 25-41
  goodbye
  $ ./work/_build/default/main.exe --how failure >/dev/null 2>&1
  [2]
  $ run --how 'too late' | grep exception
  Fatal error: exception Invalid_argument("Mirage_runtime.register_arg: the arguments have been read already. Register them at top level, outside of start.")

A warning does not stop a student; a type error does, where it is.

  $ build warned
  File "unikernel.ml", line 2, characters 6-15:
  2 |   let forgotten = 3 in
            ^^^^^^^^^
  Warning 26 [unused-var]: unused variable forgotten.
  $ run
  $ build wrong
  File "unikernel.ml", line 2, characters 29-34:
  2 |   Logs.info (fun m -> m "%d" "one");
                                   ^^^^^
  Error: This expression has type string but an expression was expected of type
           int

A disk: here a file.

  $ build disks
  $ printf '%512s%512s' zero one > disk.img
  $ run
  2 sectors of 512 bytes, read-write
  a run of 1 from sector 2 leaves the device
  $ tail -c 3 disk.img && head -c 512 disk.img | tail -c 3
  oneone
  $ rm disk.img
  $ run | head -1
  Fatal error: exception Failure("The block device \"disk.img\" cannot be used: No such file or directory.")

Files that become part of an image: whatever their names and bytes, in folders that dune would pass over or take for its
own. An edit gives another image.

  $ files() {
  >   rm -rf images/files/more images/files/www/_static
  >   mkdir -p images/files/more/deep 'images/files/www/_static/_a b' images/files/www/other
  >   printf '\000\001\n\r\n\r"\\\377' > images/files/more/deep/bytes
  >   echo '(not dune' > images/files/www/dune
  >   echo 'let = ' > images/files/www/other/bad.ml
  >   echo quoted > 'images/files/www/_static/_a b/it'"'s \"é\".txt"
  >   printf '' > images/files/www/other/nothing
  > }
  $ chmod -R u+w images/files && files
  $ export SOURCE_DATE_EPOCH=1000000000
  $ build files
  $ run
  /_static/
  /_static/_a b/
  /_static/_a b/it's \"\195\169\".txt 7 ae63f03bd164ce9aa5a32352f058ca7d
  /dune 10 94a9b7ab3c4a8101765db220813d91ac
  /index.html 30 5fa93b5d334960603d44a0fd11331d26
  /other/
  /other/bad.ml 7 97a4f2b9c3a3b3951822211221871025
  /other/nothing 0 d41d8cd98f00b204e9800998ecf8427e
  <p class="x">\ "quoted"\n</p>
  copied: false
  "class" "ed\"\\n</p>\n" ""
  modified 2001-09-09T01:46:40-00:00
  there is nothing at /missing
  /_static is a dictionary, not a value
  "\000\001\n\r\n\r\"\\\255"
  true
  $ echo changed > work/www/other/nothing && dune build --root work ./main.exe 2>/dev/null
  $ run | grep /nothing
  /other/nothing 8 ec1bebaea2c042beb68f7679ddd106a4
