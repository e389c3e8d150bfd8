(** Cohttp, with the interface of cohttp 6: what is different from the version at hand.

    The types are those of the version at hand, so both can be used together. *)

module Cohttp : sig
  module Accept = Cohttp.Accept
  module Auth = Cohttp.Auth
  module Body = Cohttp.Body
  module Code = Cohttp.Code
  module Conf = Cohttp.Conf
  module Connection = Cohttp.Connection
  module Cookie = Cohttp.Cookie
  module Header = Header
  module Link = Cohttp.Link
  module Path = Path
  module Request = Request
  module Response = Cohttp.Response
  module S = Cohttp.S
  module Transfer = Cohttp.Transfer
end

module Cohttp_lwt : sig
  module Body = Cohttp_lwt.Body
  module S = Signatures

  module type IO = Cohttp_lwt.IO
end
