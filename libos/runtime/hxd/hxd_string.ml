let pp cfg ppf bytes = Format.pp_print_list ~pp_sep:Format.pp_print_cut Format.pp_print_string ppf (Hxd.lines cfg bytes)
