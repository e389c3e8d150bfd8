(** HTTP over MirageOS's flows. The interface of cohttp-mirage 6, as far as it goes. *)

module IO = Io
module Server = Server
module Client = Client
module Static = Static
