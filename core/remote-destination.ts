import { FileError } from "./errors.ts";

/** What a remote site speaks: the scheme of its address. */
export const destinationKinds = ["sftp", "ftps", "https", "s3", "connector"] as const;

export type DestinationKind = (typeof destinationKinds)[number];

/** Where a remote site is. */
export interface DestinationAddress {
  readonly kind: DestinationKind;
  /** For S3 the bucket, for a connector its id. */
  readonly host: string;
  /** 0 for S3 and connectors. */
  readonly port: number;
  /** Names of folders joined by `/`, below which all paths lie; empty means that in which a login ends, or the root. */
  readonly folder: string;
  /** SFTP and FTPS: whether `folder` is one from the root of the site, and not from where a login ends. */
  readonly isAbsolute: boolean;
}

/** A remote site that files are pushed to and pulled from. */
export interface RemoteDestination {
  /** Unique among the destinations. */
  readonly name: string;
  readonly enabled: boolean;
  readonly address: DestinationAddress;
  /** For S3 the id of an access key. */
  readonly user: string | undefined;
  /** For S3 the secret of the access key; for HTTPS without a user a bearer token. */
  readonly password: string | undefined;
  /** SFTP: PEM or OpenSSH's form. */
  readonly privateKey: string | undefined;
  readonly passphrase: string | undefined;
  /** SFTP: SHA-256 of the host keys that are trusted, in base64 without `=`. */
  readonly hostKeys: readonly string[];
  /** TLS: PEM certificates of the only authorities that count; undefined means the well-known ones. */
  readonly authorities: string | undefined;
  /** TLS: SHA-256 of certificates in lower-case hex; one of these is trusted, whoever issued it, and no other is. */
  readonly fingerprints: readonly string[];
  /** FTPS: whether TLS begins with the first byte. */
  readonly isImplicit: boolean;
  /** S3: where no endpoint is given, AWS. */
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  /** Transfers at the same time, pushes and pulls together. */
  readonly concurrency: number;
  /** All transfers together; undefined means as fast as it goes. */
  readonly bytesPerSecond: number | undefined;
  /** How long the site has for an answer, and a transfer for its next bytes. */
  readonly timeoutMs: number;
  /** How often a push is tried before it waits among the dead letters. */
  readonly tries: number;
}

const defaultPorts: Readonly<Record<DestinationKind, number>> = { sftp: 22, ftps: 21, https: 443, s3: 0, connector: 0 };

const connectorForm = /^c-[0-9a-f]{17}$/;

const addressForm =
  /^(sftp|ftps|https|s3|connector):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(?:\/(.*))?$/;
const maximumPort = 65_535;

/**
 * Reads `sftp://HOST[:PORT][/FOLDER]`, `ftps://…`, `https://…`, `s3://BUCKET[/PREFIX]` or `connector://ID[/FOLDER]`. A
 * folder is one from the root of the site; without one, paths are those below the folder in which a login ends.
 * @throws FileError `invalid-argument` with one sentence that does not repeat what may be a password.
 */
export function parseDestinationAddress(text: string): DestinationAddress {
  const [, kind, host = "", digits, folder] = addressForm.exec(text) ?? [];
  if (kind === undefined) throw new FileError("invalid-argument", addressProblem(text));
  const port = digits === undefined ? defaultPorts[kind as DestinationKind] : Number(digits);
  if (port > maximumPort) throw new FileError("invalid-argument", `port ${digits} is over ${maximumPort}`);
  if (defaultPorts[kind as DestinationKind] === 0 && digits !== undefined) {
    throw new FileError("invalid-argument", `${kind === "s3" ? "a bucket" : "a connector"} has no port`);
  }
  if (kind === "connector" && !connectorForm.test(host)) {
    throw new FileError("invalid-argument", "a connector has an id such as c-0123456789abcdef0");
  }
  return {
    kind: kind as DestinationKind,
    host: host.replace(/^\[|\]$/g, ""),
    port,
    folder: folderIn(folder ?? ""),
    isAbsolute: folder !== undefined,
  };
}

function addressProblem(text: string): string {
  if (text.includes("@")) return 'the address has no user in it: that stands under "user" and "password"';
  return "expected sftp://HOST/FOLDER, ftps://…, https://…, s3://BUCKET/PREFIX or connector://ID/FOLDER";
}

function folderIn(text: string): string {
  const names = text.split("/").filter((name) => name !== "");
  const isOdd = names.some((name) => name === "." || name === ".." || /[\p{Cc}?#]/u.test(name));
  if (isOdd) throw new FileError("invalid-argument", "a folder in the address is named ., .. or has ? or # in it");
  return names.join("/");
}

/** How people know the address. */
export function addressText({ kind, host, port, folder, isAbsolute }: DestinationAddress): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return `${kind}://${name}${port === 0 ? "" : `:${port}`}${isAbsolute ? `/${folder}` : ""}`;
}
