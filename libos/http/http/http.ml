open Unikernel_cohttp

module Version = struct
  type t = Cohttp.Code.version

  let of_string = Cohttp.Code.version_of_string
  let to_string = Cohttp.Code.string_of_version
  let compare = Cohttp.Code.compare_version
  let pp = Fmt.of_to_string to_string
end

module Method = struct
  type t = Cohttp.Code.meth

  let of_string = Cohttp.Code.method_of_string
  let to_string = Cohttp.Code.string_of_method
  let compare = Cohttp.Code.compare_method
  let pp = Fmt.of_to_string to_string

  let body_allowed = function
    | `GET | `HEAD | `CONNECT | `TRACE -> false
    | `DELETE | `POST | `PUT | `PATCH | `OPTIONS | `Other _ -> true
end

module Status = struct
  type t = Cohttp.Code.status_code

  let of_int = Cohttp.Code.status_of_code
  let to_int = Cohttp.Code.code_of_status
  let to_string = Cohttp.Code.string_of_status
  let reason_phrase_of_code = Cohttp.Code.reason_phrase_of_code
  let compare a b = Int.compare (to_int a) (to_int b)
  let pp = Fmt.of_to_string to_string

  let body_allowed status =
    let code = to_int status in
    code >= 200 && code <> 204 && code <> 304
end

module Transfer = struct
  type encoding = Cohttp.Transfer.encoding = Chunked | Fixed of int64 | Unknown
end

module Header = Cohttp.Header
module Request = Cohttp.Request
module Response = Cohttp.Response
