import { lookup as resolve } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "../../core/public-address.ts";

/** A host that is, or whose name leads to, an address that is not public. */
export class PrivateAddressError extends Error {
  override readonly name = "PrivateAddressError";

  constructor() {
    super("the address is not public");
  }
}

/**
 * For an address that stands in the URL itself: no name is resolved then, so that {@link publicLookup} is not asked.
 * @throws PrivateAddressError
 */
export function refusePrivateAddress(hostname: string): void {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateAddressError();
}

/** What was checked is what is connected to: the name is not resolved a second time. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, "", 0);
    const refused = addresses.some(({ address }) => !isPublicAddress(address));
    const [first] = addresses;
    if (refused || !first) return callback(new PrivateAddressError(), "", 0);
    return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
  });
};
