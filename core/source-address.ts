import ipaddr from "ipaddr.js";

/** A block of addresses, as in CIDR (RFC 4632 §3.1, RFC 4291 §2.3). */
export interface AddressBlock {
  /** False for any text that is not an address. The zone of a link-local address (`%eth0`) is left out of account. */
  contains(address: string): boolean;
}

/** Text that is no address block. The message is one clause and quotes the text. */
export class SourceAddressError extends Error {
  override readonly name = "SourceAddressError";
}

/**
 * Reads `203.0.113.0/24`, `2001:db8::/32` or a single address. Bits after the prefix are ignored. IPv4-mapped IPv6
 * addresses (RFC 4291 §2.5.5.2) are IPv4 addresses here, in blocks and in what is compared with them; apart from
 * those no block of one family contains an address of the other.
 * @throws SourceAddressError
 */
export function parseAddressBlock(text: string): AddressBlock {
  const slash = text.includes("/") ? text.indexOf("/") : text.length;
  const network = readAddress(text.slice(0, slash));
  if (!network) throw new SourceAddressError(`${JSON.stringify(text)} is not an IP address or a CIDR block`);
  const mappedBits = network.kind() === "ipv4" && text.includes(":") ? 96 : 0;
  const maximum = mappedBits + (network.kind() === "ipv4" ? 32 : 128);
  const prefixLength = slash === text.length ? maximum : readPrefixLength(text.slice(slash + 1));
  if (prefixLength === undefined || prefixLength < mappedBits || prefixLength > maximum) {
    const range = `a number from ${mappedBits} to ${maximum}`;
    throw new SourceAddressError(`the prefix length of ${JSON.stringify(text)} must be ${range}`);
  }
  return {
    contains(address) {
      const peer = readAddress(address.replace(/%.*$/s, ""));
      return peer?.kind() === network.kind() && peer.match(network, prefixLength - mappedBits);
    },
  };
}

/**
 * The network that is likely to be one client's: an IPv4 address by itself, and the first 64 bits of an IPv6 address,
 * since nobody is given fewer addresses than share them (RFC 6177 §2). Text that is no address stays as it is.
 */
export function clientNetworkOf(address: string): string {
  const parsed = readAddress(address.replace(/%.*$/s, ""));
  if (!(parsed instanceof ipaddr.IPv6)) return parsed?.toString() ?? address;
  const prefix = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${prefix.join(":")}::/64`;
}

/** An address as sockets name it: canonical, and without the IPv6 around an IPv4 address; undefined for other text. */
export function canonicalAddress(text: string): string | undefined {
  return readAddress(text)?.toString();
}

function readPrefixLength(text: string): number | undefined {
  return /^(0|[1-9]\d{0,2})$/.test(text) ? Number(text) : undefined;
}

// Four decimal octets only: the older forms (`10.1`, `0x7f.1`, `010.0.0.1`) mean different addresses to different
// programs. `::1.2.3.4` is a deprecated form (RFC 4291 §2.5.5.1) that is easily taken for an IPv4-mapped address.
function readAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const dotted = text.includes(".") || !text.includes(":") ? text.slice(text.lastIndexOf(":") + 1) : undefined;
  if (dotted !== undefined && !ipaddr.IPv4.isValidFourPartDecimal(dotted)) return undefined;
  if (text.includes("%") || /^::\d+\./.test(text) || !ipaddr.isValid(text)) return undefined;
  return ipaddr.process(text);
}
