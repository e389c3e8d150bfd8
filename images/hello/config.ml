(* What the unikernel is made of. This program runs before the unikernel is compiled. *)
open Mirage

(* The module Unikernel, in unikernel.ml, is a job: its function [start] is called once
   the unikernel has booted. It needs no devices, and the library duration for spans of
   time. *)
let main = main "Unikernel" job ~packages:[ package "duration" ]

(* The unikernel is called hello and has this one job. *)
let () = register "hello" [ main ]
