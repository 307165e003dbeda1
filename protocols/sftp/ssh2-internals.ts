import type { Connection, ServerChannel } from "ssh2";

/**
 * What this server needs of ssh2 1.17 and ssh2 does not publish. The names are those of its source
 * (lib/protocol/Protocol.js, lib/Channel.js); test/protocols/sftp/ssh2-internals.test.ts fails when they change.
 */
interface ConnectionInternals {
  readonly _protocol: {
    disconnect(reason: number): void;
    /** Set from the moment a KEXINIT is sent until the new keys are in use. */
    readonly _kexinit: unknown;
    /** What the next KEXINIT says; its class is not published either. */
    _offer: KexInit;
    readonly _cipher: object;
    _decipher: object;
  };
}

interface NameList {
  readonly array: readonly string[];
}

interface DirectionLists<List> {
  readonly cipher: List;
  readonly mac: List;
  readonly compress: List;
  readonly lang: List;
}

interface KexInit {
  readonly lists: {
    readonly kex: NameList;
    readonly serverHostKey: NameList;
    readonly cs: DirectionLists<NameList>;
  };
}

type KexInitClass = new (lists: {
  kex: readonly string[];
  serverHostKey: readonly string[];
  cs: DirectionLists<readonly string[]>;
  sc: DirectionLists<readonly string[]>;
}) => KexInit;

interface ChannelInternals {
  readonly outgoing: { readonly packetSize: number };
}

/** Reason codes of RFC 4253 §11.1. */
export const disconnectReason = {
  protocolError: 2,
  byApplication: 11,
  noMoreAuthenticationMethods: 14,
} as const;

export type DisconnectReason = (typeof disconnectReason)[keyof typeof disconnectReason];

/** Tells the client why the connection ends. The caller ends the socket. */
export function sendDisconnect(client: Connection, reason: DisconnectReason): void {
  try {
    (client as unknown as ConnectionInternals)._protocol.disconnect(reason);
  } catch {
    // ssh2 has failed before and given up its ciphers: there is no way left to say anything.
  }
}

/** While it is true ssh2 queues what is sent, without a bound and without saying so. */
export function isExchangingKeys(client: Connection): boolean {
  return (client as unknown as ConnectionInternals)._protocol._kexinit !== undefined;
}

/** Offers this client more MACs, behind the others. To be called when it has introduced itself, not later. */
export function alsoOfferMacs(client: Connection, macs: readonly string[]): void {
  const protocol = (client as unknown as ConnectionInternals)._protocol;
  const { kex, serverHostKey, cs } = protocol._offer.lists;
  const direction = { cipher: cs.cipher.array, mac: [...cs.mac.array, ...macs], compress: cs.compress.array, lang: [] };
  const Offer = protocol._offer.constructor as KexInitClass;
  protocol._offer = new Offer({
    kex: kex.array,
    serverHostKey: serverHostKey.array,
    cs: direction,
    sc: direction,
  });
}

/** The AES-GCM cipher of the native addon, as it is after an exchange of keys. */
export interface NativeGcmCipher {
  /** Memory for a packet with a payload of so many bytes: its header and padding are in place. */
  allocPacket(payloadBytes: number): Buffer;
  _onWrite(packet: Buffer): void;
}

export interface NativeGcmDecipher {
  readonly inSeqno: number;
  /** A number or false ends the work of this decipher on the data: after NEWKEYS another goes on. */
  readonly _onPayload: (payload: Buffer) => number | false | undefined;
  readonly _instance: { decrypt(packet: Buffer, length: number, tag: Buffer): void };
}

/** Undefined where the cipher is another, or is not the addon's. */
export function nativeGcmCipher(client: Connection): NativeGcmCipher | undefined {
  const { _cipher } = (client as unknown as ConnectionInternals)._protocol;
  return _cipher.constructor.name === "AESGCMCipherBinding" ? (_cipher as NativeGcmCipher) : undefined;
}

/** Undefined where the decipher is another, or is not the addon's. */
export function nativeGcmDecipher(client: Connection): NativeGcmDecipher | undefined {
  const { _decipher } = (client as unknown as ConnectionInternals)._protocol;
  return _decipher.constructor.name === "AESGCMDecipherBinding" ? (_decipher as NativeGcmDecipher) : undefined;
}

export function replaceDecipher(client: Connection, decipher: object): void {
  (client as unknown as ConnectionInternals)._protocol._decipher = decipher;
}

/** The largest packet that the client takes on this channel, in bytes of content. */
export function clientPacketBytes(channel: ServerChannel): number {
  return (channel as unknown as ChannelInternals).outgoing.packetSize;
}
