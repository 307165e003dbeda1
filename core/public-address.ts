import ipaddr from "ipaddr.js";

/**
 * True for an address that anybody on the Internet may have. False for those of private networks, this machine, links,
 * multicast, documentation and cloud metadata (the special-purpose registries of RFC 6890), for IPv6 addresses that
 * carry an IPv4 address that is not public (mapped, translated, 6to4, Teredo), and for text that is no address.
 */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (address instanceof ipaddr.IPv4) return address.range() === "unicast";
  const carried = carriedIPv4(address);
  if (carried) return carried.range() === "unicast" && address.range() !== "teredo";
  return address.range() === "unicast";
}

/** NAT64 (RFC 6052 §2.1) and 6to4 (RFC 3056 §2) end at the IPv4 address that they carry. */
function carriedIPv4(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray();
  if (address.range() === "rfc6052") return new ipaddr.IPv4(bytes.slice(12));
  return address.range() === "6to4" ? new ipaddr.IPv4(bytes.slice(2, 6)) : undefined;
}
