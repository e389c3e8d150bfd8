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
