import { parseDestinationAddress, type RemoteDestination } from "../../core/remote-destination.ts";

/** A destination as the configuration has it, with what a test leaves open filled in. */
export function remoteDestination(
  url: string,
  changes: Partial<Omit<RemoteDestination, "address">> = {},
): RemoteDestination {
  return {
    name: "site",
    enabled: true,
    address: parseDestinationAddress(url),
    user: undefined,
    password: undefined,
    privateKey: undefined,
    passphrase: undefined,
    hostKeys: [],
    authorities: undefined,
    fingerprints: [],
    isImplicit: false,
    region: undefined,
    endpoint: undefined,
    concurrency: 2,
    bytesPerSecond: undefined,
    timeoutMs: 10_000,
    tries: 12,
    ...changes,
  };
}
