let all = [ "red"; "green" ]
