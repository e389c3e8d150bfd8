let times n = if Sys.getenv_opt "LABKIT_TEST_FULL" = Some "1" then 20 * n else n

let property name n values law =
  let test = QCheck.Test.make ~count:(times n) ~name values law in
  Alcotest.test_case name `Quick (fun () -> QCheck.Test.check_exn test)
