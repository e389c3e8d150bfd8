The hooks run when a program ends, the last registered first.

  $ ./ends.exe return
  unflushed last registered
  first registered
  $ ./ends.exe exit
  unflushed last registered
  first registered
  [3]
  $ ./ends.exe 'sleeping others'
  unflushed last registered
  first registered
  $ ./ends.exe 'failing hook'
  unflushed the next hook
  last registered
  first registered

An uncaught exception is printed before the hooks run, and says where it was raised.

  $ ./ends.exe raise 2>&1 | grep -v 'Called from\|Re-raised'
  unflushed Fatal error: exception Not_found
  Raised at Dune__exe__Ends.end_ in file "test/runtime/ends.ml", line 10, characters 15-30
  last registered
  first registered
  $ ./ends.exe raise >/dev/null 2>&1
  [2]
  $ ./ends.exe 'raise later' 2>&1 | grep -v 'Called from\|Re-raised\|stdlib.ml'
  unflushed Fatal error: exception Failure("later")
  last registered
  first registered
  $ ./ends.exe fail 2>&1 | grep -v 'Called from\|Raised\|Re-raised'
  unflushed Fatal error: exception Stdlib.Exit
  last registered
  first registered
  $ ./ends.exe async 2>&1 | grep -v 'Called from\|Re-raised\|stdlib.ml'
  unflushed Fatal error: exception Failure("aside")
  last registered
  first registered
  $ ./ends.exe async >/dev/null 2>&1
  [2]
