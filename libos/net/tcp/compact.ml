let buffer ({ Cstruct.buffer; len; _ } as b) =
  if 4 * len >= Bigarray.Array1.dim buffer then b
  else begin
    let copy = Cstruct.create_unsafe len in
    Cstruct.blit b 0 copy 0 len;
    copy
  end
