import { isIPv4 } from "node:net";

/** An address as accounting names it: IPv4 clients of a dual-stack socket by their IPv4 address (RFC 4291 §2.5.5.2). */
export function plainAddress(address: string | undefined): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address ?? "")?.[1];
  return mapped ?? address ?? "";
}

/** The numbers of RFC 2428 §2. */
export function networkProtocolOf(address: string): 1 | 2 {
  return isIPv4(address) ? 1 : 2;
}

/** The six numbers of the reply to PASV (RFC 959 §4.1.2). */
export function formatHostPort(ipv4Address: string, port: number): string {
  return [...ipv4Address.split("."), port >> 8, port & 0xff].join(",");
}
