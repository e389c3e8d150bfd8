type t = { status : Cohttp.Code.status_code; reason : string }

exception Refused of t

let raise_ status reason = raise_notrace (Refused { status; reason })
let bad reason = raise_ `Bad_request reason
let pp ppf { status; reason } = Fmt.pf ppf "%s: %s" (Cohttp.Code.string_of_status status) reason
