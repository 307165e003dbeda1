import { isIPv4, isIPv6 } from "node:net";
import { limits } from "../core/limits.ts";

/** Where a connection came from and where it went, before a load balancer passed it on. */
export interface ProxiedConnection {
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

/** What stands at the start of a connection. `length` is that of the header: the client's own bytes follow it. */
export type ProxyHeader =
  | { readonly kind: "incomplete" }
  | { readonly kind: "invalid"; readonly reason: string }
  /** The proxy's own connection, such as a health check, or one of a kind that has no addresses. */
  | { readonly kind: "local"; readonly length: number }
  | {
      readonly kind: "proxied";
      readonly length: number;
      readonly connection: ProxiedConnection;
      /** Another task has passed the connection on: it is not to be passed on again. */
      readonly isRelayed: boolean;
    };

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const fixedBytes = 16;
const version2 = 2;
const command = { local: 0, proxy: 1 } as const;
/** Address family and transport in one byte: TCP over IPv4 and over IPv6. */
const tcpOverIpv4 = 0x11;
const tcpOverIpv6 = 0x21;
/** Of the types that the protocol leaves to applications (§2.2, PP2_TYPE_MIN_CUSTOM); AWS uses 0xEA. */
const relayedType = 0xe5;

/**
 * Reads the header of the PROXY protocol, version 2 (HAProxy's proxy-protocol.txt §2.2). Type-length-value extensions
 * other than this product's own are skipped. A header over limits.proxyHeaderBytes is invalid.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  const known = Math.min(bytes.length, signature.length);
  if (!bytes.subarray(0, known).equals(signature.subarray(0, known))) return invalid("the signature is missing");
  if (bytes.length < fixedBytes) return { kind: "incomplete" };
  const [version, verb] = [bytes.readUInt8(12) >> 4, bytes.readUInt8(12) & 0x0f];
  if (version !== version2) return invalid(`the version is ${version}`);
  if (verb !== command.local && verb !== command.proxy) return invalid(`the command is ${verb}`);
  const length = fixedBytes + bytes.readUInt16BE(14);
  if (length > limits.proxyHeaderBytes) return invalid(`the header has ${length} bytes`);
  if (bytes.length < length) return { kind: "incomplete" };
  if (verb === command.local) return { kind: "local", length };
  return readAddresses(bytes.readUInt8(13), bytes.subarray(fixedBytes, length), length);
}

function readAddresses(family: number, addresses: Buffer, length: number): ProxyHeader {
  const addressBytes = family === tcpOverIpv4 ? 4 : family === tcpOverIpv6 ? 16 : 0;
  if (addressBytes === 0) return { kind: "local", length };
  if (addresses.length < 2 * addressBytes + 4) return invalid("the addresses are cut off");
  const connection = {
    sourceAddress: formatAddress(addresses.subarray(0, addressBytes)),
    destinationAddress: formatAddress(addresses.subarray(addressBytes, 2 * addressBytes)),
    sourcePort: addresses.readUInt16BE(2 * addressBytes),
    destinationPort: addresses.readUInt16BE(2 * addressBytes + 2),
  };
  return { kind: "proxied", length, connection, isRelayed: isRelayed(addresses.subarray(2 * addressBytes + 4)) };
}

/** Each extension is a type, a length of two bytes and so many bytes. One that is cut off is none. */
function isRelayed(extensions: Buffer): boolean {
  for (let rest = extensions; rest.length >= 3; rest = rest.subarray(3 + rest.readUInt16BE(1))) {
    if (rest.readUInt8(0) === relayedType) return true;
  }
  return false;
}

/** The header with which a task passes a connection on to another. Both addresses are IPv4, or both are IPv6. */
export function formatRelayHeader(connection: ProxiedConnection): Buffer {
  const { sourceAddress, destinationAddress } = connection;
  const isVersion4 = isIPv4(sourceAddress) && isIPv4(destinationAddress);
  const bytesOf = isVersion4 ? ipv4Bytes : ipv6Bytes;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(connection.sourcePort, 0);
  ports.writeUInt16BE(connection.destinationPort, 2);
  const extension = Buffer.from([relayedType, 0, 0]);
  const content = Buffer.concat([bytesOf(sourceAddress), bytesOf(destinationAddress), ports, extension]);
  const verb = (version2 << 4) | command.proxy;
  const family = isVersion4 ? tcpOverIpv4 : tcpOverIpv6;
  return Buffer.concat([signature, Buffer.from([verb, family, content.length >> 8, content.length & 0xff]), content]);
}

function ipv4Bytes(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

/** An IPv4 address goes in its mapped form (RFC 4291 §2.5.5.2). */
function ipv6Bytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), ipv4Bytes(address)]);
  const [head = "", tail] = address.replace(/%.*$/s, "").split("::");
  const groupsOf = (text: string | undefined) =>
    text ? text.split(":").map((group) => Number.parseInt(group, 16)) : [];
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const groups = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => 0), ...last];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(group, 2 * index);
  return bytes;
}

function invalid(reason: string): ProxyHeader {
  return { kind: "invalid", reason };
}

/** In the form in which Node names the addresses of sockets. */
function formatAddress(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(":");
  const mapped = /^0:0:0:0:0:ffff:/.test(groups);
  return mapped ? bytes.subarray(12).join(".") : canonicalIpv6(groups);
}

function canonicalIpv6(groups: string): string {
  const { hostname } = new URL(`http://[${groups}]`);
  const address = hostname.slice(1, -1);
  return isIPv6(address) ? address : groups;
}
