/* What the kernel asks the OCaml runtime. */
#ifndef OCAML_RUNTIME_H
#define OCAML_RUNTIME_H

/* Prints the OCaml functions that led here, innermost first, from the place where OCaml last called C. */
void ocaml_print_backtrace(void);

#endif
