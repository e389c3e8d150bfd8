module IO = Io
module Server = Server
module Client = Client
module Static = Static
