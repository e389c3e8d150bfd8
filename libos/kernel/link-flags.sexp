(-cc
 musl-gcc
 -ccopt
 "-static -no-pie -Wl,-Ttext-segment=0x100000 -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--build-id=none -Wl,--gc-sections"
 -ccopt
 "-Wl,-u,pvh_entry -Wl,--wrap=sysconf -Wl,--wrap=__stack_chk_fail -Wl,--wrap=caml_parse_ocamlrunparam"
 -ccopt
 "-Wl,--wrap=caml_init_locale -Wl,--wrap=caml_executable_name")
