import { FileError } from "../../../core/errors.ts";
import type { DestinationKind, RemoteDestination } from "../../../core/remote-destination.ts";
import type { RemoteSite, RemoteSites } from "../../../ports/remote-site.ts";
import { openHttpsSite } from "./https-site.ts";
import { openSftpSite } from "./sftp-site.ts";

export type OpenSite = (destination: RemoteDestination) => RemoteSite | Promise<RemoteSite>;

/** @param others how sites are reached whose adapters stand elsewhere */
export function createRemoteSites(others: { readonly s3?: OpenSite; readonly connector?: OpenSite } = {}): RemoteSites {
  const openers: Readonly<Record<DestinationKind, OpenSite | undefined>> = {
    sftp: openSftpSite,
    // Most servers know no such site, and start sooner without the client.
    ftps: async (destination) => (await import("./ftps-site.ts")).openFtpsSite(destination),
    https: openHttpsSite,
    s3: others.s3,
    connector: others.connector,
  };
  return {
    open: async (destination) => {
      const { kind } = destination.address;
      const open = openers[kind];
      if (!open) throw new FileError("unsupported", `this server reaches no ${kind} destinations`);
      return open(destination);
    },
  };
}
