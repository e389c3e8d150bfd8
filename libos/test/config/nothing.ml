let _main = Mirage.(main "Unikernel" job)
