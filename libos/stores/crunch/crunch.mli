(** [crunch.exe MODULE FOLDER] writes the module [MODULE] (a file name without [.ml]), which has the files of [FOLDER] as a
    read-only key-value store: {!Mirage_kv.RO}, and [connect : unit -> t Lwt.t].

    The files become constants of the program: they are in memory as soon as the image is, and reading one copies nothing.
    All were last modified when this ran, or at [SOURCE_DATE_EPOCH] (in seconds). *)
