import { randomBytes } from "node:crypto";
import * as openpgp from "openpgp";

/** Encrypts as before RFC 4880: in a packet of type 9, which has no code that shows a change (RFC 9580 §5.7). */
export async function messageWithoutProtection(
  message: openpgp.Message<Uint8Array>,
  armoredKey: string,
): Promise<Buffer> {
  const sessionKey = { data: randomBytes(32), algorithm: "aes256" } as const;
  const encryptionKeys = await openpgp.readKey({ armoredKey });
  const keyPart = await openpgp.encryptSessionKey({ ...sessionKey, encryptionKeys, format: "object" });
  const content = new openpgp.SymmetricallyEncryptedDataPacket() as unknown as UnprotectedPacket;
  content.packets = message.packets;
  await content.encrypt(openpgp.enums.symmetric.aes256, sessionKey.data, openpgp.config);
  const packets = new openpgp.PacketList<openpgp.AnyPacket>();
  packets.push(...keyPart.packets, content as unknown as openpgp.AnyPacket);
  return Buffer.from(packets.write());
}

/** What the library has of it and does not offer: nobody should write such a packet. */
interface UnprotectedPacket {
  packets: unknown;
  encrypt(algorithm: number, sessionKey: Uint8Array, config: object): Promise<void>;
}
