import type { Account, Group } from "../../../core/account.ts";
import type { AlertRule } from "../../../core/alert-rule.ts";
import type { DispatchRule } from "../../../core/dispatch.ts";
import type { Pull } from "../../../core/pull.ts";
import type { RemoteDestination } from "../../../core/remote-destination.ts";
import type { ScanScope } from "../../../core/scan-scope.ts";
import type { PgpKeyMaterial } from "../pgp-keys.ts";

/** Where a protocol listens. Port 0 lets the system choose. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** PEM texts: a certificate, its intermediates behind it, and the private key of the first. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Whose certificates log their owners in: the subject's common name is the account's. */
export interface ClientCertificatesConfiguration {
  /** PEM: the only authorities that count. */
  readonly authorities: string;
  /** PEM, one a text. Where there is any, every authority of a client's chain needs one that is in date. */
  readonly revocationLists: readonly string[];
  /** No password is taken. */
  readonly required: boolean;
}

export interface SftpConfiguration {
  readonly listen: Endpoint;
  /** Private keys as text; undefined means those of the data directory. */
  readonly hostKeys: readonly string[] | undefined;
  /** What is offered to clients. */
  readonly algorithms: "strict" | "compatible";
}

export interface FtpsConfiguration {
  readonly listen: Endpoint;
  /** Where TLS starts with the first byte; undefined when it is off. */
  readonly implicit: Endpoint | undefined;
  /** Both included; 0 and 0 let the system choose. */
  readonly passivePorts: { readonly first: number; readonly last: number };
  /** What PASV answers; undefined means the address that the client connected to. */
  readonly passiveAddress: string | undefined;
  /** Undefined means the certificate of the data directory. */
  readonly tls: TlsMaterial | undefined;
  /** Whether a data connection resumes the TLS session of its control connection. */
  readonly sessionReuse: "required" | "preferred" | "off";
  /** Data connections without TLS are allowed under a control connection with TLS. */
  readonly clearData: boolean;
  /** Logins and data without TLS are allowed on the explicit listener. */
  readonly plain: boolean;
  /** Undefined means that no client is asked for a certificate. */
  readonly clientCertificates: ClientCertificatesConfiguration | undefined;
}

export interface HttpConfiguration {
  readonly listen: Endpoint;
  /** Undefined means HTTP without TLS. */
  readonly tls: TlsMaterial | undefined;
}

/** A protocol that is switched off is undefined. */
export interface ServerConfiguration {
  /** How events name this server. */
  readonly name: string;
  readonly sftp: SftpConfiguration | undefined;
  readonly ftps: FtpsConfiguration | undefined;
  readonly http: HttpConfiguration | undefined;
}

export interface MailConfiguration {
  /** `smtp:` or `smtps:`, with the user's name and password where the server wants them. */
  readonly smtp: string;
  readonly from: string;
  /** Undefined means: where a password leaves this machine. */
  readonly requireTls?: boolean | undefined;
  /** PEM certificates of authorities that are trusted beside the well-known ones. */
  readonly ca?: string | undefined;
}

/** An OpenPGP key, and where in the file it stands. */
export interface PgpKeyConfiguration extends PgpKeyMaterial {
  readonly line: number;
  readonly column: number;
}

export interface ScannerConfiguration {
  /** Where clamd listens. */
  readonly clamd: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly whenDown: "hold" | "release";
  /** Of uploads of all accounts. */
  readonly scan?: ScanScope | undefined;
  readonly retentionDays: number;
  /** What the quarantine holds at most, of all accounts. */
  readonly quarantineFiles: number;
  readonly quarantineBytes: number;
}

/** An endpoint that is asked about accounts that are not on file. */
export interface HttpAuthenticationConfiguration {
  readonly urls: readonly string[];
  readonly timeoutSeconds: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The group of accounts about which the endpoint names none. */
  readonly defaultGroup?: string | undefined;
}

export interface AuthenticationConfiguration {
  readonly http?: HttpAuthenticationConfiguration | undefined;
}

/** A group as one account sees it; accounts share it unless its rules depend on the account's name. */
export type GroupFor = (accountName: string) => Group;

/** A configuration file, checked and complete: secrets are resolved and defaults filled in. */
export interface Configuration {
  /** The file as it was named. */
  readonly file: string;
  readonly server: ServerConfiguration;
  /** By name. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** By name; a group may look different to each account. */
  readonly groups: ReadonlyMap<string, GroupFor>;
  readonly destinations: readonly RemoteDestination[];
  readonly dispatch: readonly DispatchRule[];
  readonly pulls: readonly Pull[];
  readonly alerts: readonly AlertRule[];
  readonly mail: MailConfiguration | undefined;
  readonly scanner: ScannerConfiguration | undefined;
  readonly pgpKeys: readonly PgpKeyConfiguration[];
  readonly authentication: AuthenticationConfiguration | undefined;
}

/** Something wrong with a configuration file. Line and column count from 1. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** `FILE:line:column: message`, which editors and CI systems turn into links. */
export function formatProblem({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}
