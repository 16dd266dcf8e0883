"""Prints key id, batch commitment, anchor header and anchor commitment of the example, from PROTOCOL.md section 9 alone."""

import hashlib
import pathlib

here = pathlib.Path(__file__).parent


def tagged(tag, message):
    t = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(t + t + message).digest()


key = (here / "example.vk").read_bytes()
statement = (here / "example.statement").read_bytes()

# The key file is 8 bytes of magic and file version, then the message of the id.
vk_id = tagged("Tapstone/vk/v1", key[8:])
commitment = tagged("Tapstone/batch/v1", statement + vk_id)

chain_id, number = statement[28:32], statement[56:64]
pre, post = statement[64:96], statement[96:128]
one = (1).to_bytes(8, "big")
root = tagged("Tapstone/batches/root/v1", one + tagged("Tapstone/batches/leaf/v1", commitment))
header = b"\0\0\0\1" + chain_id + bytes(8) + number + one + bytes(4) + bytes(32) + pre + post + root
assert len(header) == 164

print("vk id     ", vk_id.hex())
print("commitment", commitment.hex())
print("anchor    ", tagged("Tapstone/anchor/v1", header).hex())
