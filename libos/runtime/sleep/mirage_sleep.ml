let ns = Unikernel_os.Timer.sleep
