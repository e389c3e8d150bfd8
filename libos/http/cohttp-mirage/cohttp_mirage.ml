module IO = Io
module Server = Server
