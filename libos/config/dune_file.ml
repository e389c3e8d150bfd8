let file = "dune"

let target_library = function
  | `Virtio -> "unikernel-kernel"
  | `Xen -> "unikernel-xen"
  | `Unix -> "unikernel-unix"
  | (#Key.mode_solo5 | #Key.mode_xen | #Key.mode_unix | #Key.mode_unikraft) as mode ->
      Refusal.unsupported ~what:"target" (Key.target_name mode)

(* What the entry module names itself, whatever the configuration. *)
let always = [ "lwt"; "mirage-runtime"; "unikernel-compat"; "unikernel-os"; "unikernel-platform" ]

(* Libraries that give MirageOS 4.11's interfaces to those of older ones: for what they are wanted besides always. *)
let interfaces libraries =
  let of_cohttp library = List.mem library [ "cohttp"; "cohttp-lwt"; "cohttp-mirage"; "http" ] in
  if List.exists of_cohttp libraries then [ ("unikernel-cohttp", "Unikernel_cohttp") ] else []

(* Warnings inform and do not stop: a student's unused variable is no error. Left out are those that speak of style
   or of what OCaml cannot know. *)
let warnings = "+a-4-9-40-41-42-44-45-48-58-59-60-66-70"

let text (info : Impl.Info.t) ~folder graph =
  let of_packages = List.concat_map Package.libraries (Graph.packages graph) in
  let target = target_library info.target in
  let interfaces = interfaces of_packages in
  let libraries = List.sort_uniq String.compare (always @ of_packages @ List.map fst interfaces) in
  let libraries = libraries @ Graph.local_libs graph @ [ target ] in
  let opened = String.concat " " (List.map (fun (_, name) -> "-open " ^ name) (("", "Unikernel_compat") :: interfaces)) in
  Printf.sprintf
    {|; How %s is built for the target %s, made from config.ml: changes here are lost.

(executable
 (name main)
 (modules :standard \ config)
 (libraries
  %s)
 (flags
  (-g
   -strict-sequence
   -short-paths
   -w %s
   -warn-error -a
   ; MirageOS 4.11's interfaces instead of those of older libraries
   %s))
 (ocamlopt_flags
  ; ocamlc, which compiles each module first, has shown its warnings
  (-g -w -a))
 (link_flags
  (:include link-flags.sexp)))

; How an image for this target is linked
(rule
 (copy %%{lib:%s:link-flags.sexp} link-flags.sexp))
%s|}
    info.name
    (Key.target_name info.target)
    (String.concat "\n  " libraries) warnings opened target
    (Crunch_rules.text ~folder (Graph.files graph))
