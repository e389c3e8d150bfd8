type 'a typ = 'a Impl.typ

let typ = Impl.typ
let ( @-> ) = Impl.( @-> )

type 'a impl = 'a Impl.t

let ( $ ) = Impl.( $ )

type abstract_impl = Impl.abstract

let dep = Impl.dep

type package = Package.t
type scope = Package.scope

let package = Package.v

module Key = Key

type 'a key = 'a Key.key
type abstract_key = Key.t
type 'a value = 'a Key.value

let key = Key.v
let if_impl = Impl.if_
let match_impl = Impl.match_

module Runtime_arg = Runtime_arg

type 'a runtime_arg = 'a Runtime_arg.arg

let runtime_arg ~pos ?packages term = Runtime_arg.v (Runtime_arg.create ~pos ?packages term)

type info = Impl.Info.t

module Info = struct
  type t = info

  let name info = info.Impl.Info.name
end

type 'a code = 'a Impl.code

let code = Impl.code

let impl ?packages ?packages_v ?local_libs ?keys ?runtime_args ?extra_deps ?connect module_name typ =
  Impl.v ?packages ?packages_v ?local_libs ?keys ?runtime_args ?extra_deps ?connect module_name typ

let connect_err name n =
  failwith (Printf.sprintf "connect of %s takes %d argument%s" name n (if n = 1 then "" else "s"))

let main = Impl.main

include Basic
include Storage
include Network
include Internet
include Transport
include Protocols

let register = Application.register
