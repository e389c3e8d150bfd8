let join = String.concat " and "
