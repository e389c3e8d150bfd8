"""Linux guests, made of Debian packages that are downloaded into the cache and never installed. Needs no root."""
