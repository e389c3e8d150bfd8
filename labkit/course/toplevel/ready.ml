(* lwt.unix and others need the library of threads, which has to come before any package. *)
#thread;;

(* Only the driver needs the compiler's own modules; a cell that names one should hear that it is unbound. *)
#remove_directory "+compiler-libs";;
