import type { ConnectionOptions, TLSSocket } from "node:tls";
import { FileError } from "../../../core/errors.ts";
import type { RemoteDestination } from "../../../core/remote-destination.ts";
import { connectionError } from "./deadline.ts";

type Trust = Pick<RemoteDestination, "address" | "authorities" | "fingerprints">;

/** Whom TLS trusts. With pinned certificates nothing must be sent before `checkPinned` has seen the connection. */
export function trustOptions({ address, authorities, fingerprints }: Trust): ConnectionOptions {
  const isName = /[A-Za-z]/.test(address.host) && !address.host.includes(":");
  return {
    ...(isName && { servername: address.host }),
    minVersion: "TLSv1.2",
    ...(authorities !== undefined && { ca: authorities }),
    ...(fingerprints.length > 0 && { rejectUnauthorized: false }),
  };
}

/** @throws FileError `permission-denied` where certificates are pinned and the site has another. */
export function checkPinned(socket: TLSSocket, { fingerprints }: Pick<Trust, "fingerprints">): void {
  if (fingerprints.length === 0) return;
  const shown = socket.getPeerCertificate().fingerprint256 ?? "";
  if (fingerprints.includes(shown.replaceAll(":", "").toLowerCase())) return;
  const message = `the destination has another certificate than those pinned: ${shown}`;
  throw new FileError("permission-denied", message);
}

const certificateCodes = /^(?:ERR_TLS_CERT|CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/** @returns `permission-denied` for a certificate that is not trusted, and `unavailable` otherwise */
export function tlsError(error: unknown): FileError {
  const { code } = error as { readonly code?: unknown };
  if (typeof code !== "string" || !certificateCodes.test(code)) return connectionError(error);
  const message = `the certificate of the destination is not trusted: ${code}`;
  return new FileError("permission-denied", message, { cause: error });
}
