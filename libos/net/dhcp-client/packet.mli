(** DHCP messages (RFC 2131, section 2), and the frames that carry them before there is an address. *)

type kind = Discover | Offer | Request | Ack | Nak

type t = {
  kind : kind;
  xid : int32;  (** Tells exchanges apart. *)
  secs : int;  (** Since the client began to ask. *)
  ciaddr : Ipaddr.V4.t;  (** The address that the client has, if it has one. *)
  yiaddr : Ipaddr.V4.t;  (** The address that the client is given. *)
  chaddr : Macaddr.t;  (** The client. *)
  options : (int * string) list;  (** Numbers and contents (RFC 2132), but for the kind. *)
}

(** {1 Options} *)

val subnet_mask : int
val routers : int
val host_name : int
val requested_address : int
val lease_time : int
val server_identifier : int
val parameter_request_list : int
val renewal_time : int
val rebinding_time : int

val address : t -> int -> Ipaddr.V4.t option
(** [address t option] is the first address in an option. *)

val seconds : t -> int -> int option
(** [seconds t option] is a time in an option. *)

(** {1 Datagrams and frames} *)

val client_port : int
val server_port : int

val ethernet_header : int

val of_frame : Cstruct.t -> t option option
(** [of_frame frame] is [None] if [frame] has nothing to do with DHCP; else the message in it that is for a client, if
    there is one. *)

val to_payload : t -> Cstruct.t
(** [to_payload t] is what a datagram for the server carries. *)

val frame_size : Cstruct.t -> int
(** [frame_size payload] is the length of the frame for [payload]. *)

val write_frame : Cstruct.t -> src:Macaddr.t -> Cstruct.t -> unit
(** [write_frame frame ~src payload] writes a frame to everybody, from a host without an address. *)
