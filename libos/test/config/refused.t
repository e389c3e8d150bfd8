What cannot be built is one JSON object on standard error, and status 3.

  $ ./nothing.exe generate
  {"error": "config.ml registers no unikernel.", "hint": "End it with: let () = register \"name\" [ main ]"}
  [3]
  $ ./raises.exe generate
  {"error": "config.ml stopped with an exception: Not_found", "hint": "Look for what raises it in config.ml."}
  [3]
  $ ./twice.exe generate
  {"error": "config.ml registers two unikernels.", "hint": "Call register once; it takes a list of jobs."}
  [3]
  $ ./hello.exe generate --target hvt
  {"error": "The target hvt is not in the offline toolchain.", "hint": "Build it with upstream's MirageOS instead: labkit build --toolchain opam", "feature": "hvt"}
  [3]
  $ ./hello.exe generate --target moon
  {"error": "config.exe: option '--target': invalid value 'moon', expected one of 'unix', 'macosx', 'xen', 'qubes', 'virtio', 'hvt', 'spt', 'muen', 'genode', 'unikraft-firecracker' or 'unikraft-qemu'", "hint": "See config.exe --help."}
  [3]
  $ ./hello.exe generate --out nowhere
  {"error": "config.exe: option '--out': no 'nowhere' directory", "hint": "See config.exe --help."}
  [3]
  $ ./hello.exe generate 2>&1 >/dev/null | cat
  $ ls *.json
  manifest.json
  $ rm main.ml
  $ echo 'let () = ()' > main.ml
  $ ./hello.exe generate
  {"error": "The folder has a file main.ml already.", "hint": "Rename your file: the entry module that is generated has this name."}
  [3]

Names of disks that cannot be told apart, or cannot be names.

  $ ./disks.exe generate -t virtio --out . --second other/first.img
  {"error": "Two devices are called \"first.img\".", "hint": "Give each device a name of its own."}
  [3]
  $ ./disks.exe generate -t virtio --out . --second 'a disk'
  {"error": "\"a disk\" cannot name a block device.", "hint": "Use letters, digits, and _ - or . after the first character."}
  [3]

Folders whose files cannot become part of the image.

  $ mkdir -p own/t own/site/pages own/site/static && touch 'own/a file'
  $ for folder in /etc site/../.. . nowhere 'a file' "it's"; do ./files.exe generate --out own --other "$folder"; done
  {"error": "The folder \"/etc\" is not inside that of config.ml, so it is no part of the image's sources.", "hint": "Give a folder beside config.ml, such as crunch \"files\"."}
  {"error": "The folder \"site/../..\" is not inside that of config.ml, so it is no part of the image's sources.", "hint": "Give a folder beside config.ml, such as crunch \"files\"."}
  {"error": "The folder \".\" is not inside that of config.ml, so it is no part of the image's sources.", "hint": "Give a folder beside config.ml, such as crunch \"files\"."}
  {"error": "There is no folder nowhere, whose files are to be part of the image.", "hint": "Give a folder beside config.ml, such as crunch \"files\"."}
  {"error": "a file is a file, and crunch takes a folder.", "hint": "Give a folder beside config.ml, such as crunch \"files\"."}
  {"error": "The name of the folder \"it's\" is not one that dune can take.", "hint": "Take letters, digits, and _ - or ."}
  [3]
  $ ./files.exe generate --target unix --out own --kv_ro direct
  {"error": "The device direct_kv_ro is not in the offline toolchain.", "hint": "Build it with upstream's MirageOS instead: labkit build --toolchain opam", "feature": "direct_kv_ro"}
  [3]
  $ echo '(my own)' > own/dune
  $ ./files.exe generate --out own
  {"error": "The folder has a file dune of its own, which has no rule for the files that crunch is to put into the image.", "hint": "Remove it: config.ml makes one."}
  [3]
  $ ls own
  a file
  dune
  site
  t
Not every stack is ours.

  $ rm main.ml
  $ ./networks.exe generate -t virtio --out . --net host
  {"error": "The device network stack of the host is not in the offline toolchain.", "hint": "Build it with upstream's MirageOS instead: labkit build --toolchain opam", "feature": "network stack of the host"}
  [3]
  $ ./networks.exe generate -t virtio --out . --utcp
  {"error": "The device utcp is not in the offline toolchain.", "hint": "Build it with upstream's MirageOS instead: labkit build --toolchain opam", "feature": "utcp"}
  [3]
