import type { Account } from "../../../core/account.ts";
import type { EventType } from "../../../core/accounting-event.ts";
import type { Expression } from "../../../core/expression.ts";

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

export interface SftpConfiguration {
  readonly listen: Endpoint;
  /** Private keys as text; undefined means those of the data directory. */
  readonly hostKeys: readonly string[] | undefined;
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

/** Which events a rule is about; what is undefined does not matter. */
export interface EventSelection {
  readonly types: readonly EventType[];
  readonly accounts: readonly string[] | undefined;
  /** Matched against the event's virtual path. */
  readonly path: Expression | undefined;
}

/** `to` is a virtual path of the event's account; with a `/` at its end the file keeps its name. */
export interface DispatchStepConfiguration {
  readonly operation: "move" | "copy";
  readonly to: string;
}

export interface DispatchRuleConfiguration {
  readonly name: string;
  readonly enabled: boolean;
  readonly when: EventSelection;
  readonly steps: readonly DispatchStepConfiguration[];
}

export interface AlertRuleConfiguration {
  readonly name: string;
  readonly enabled: boolean;
  readonly when: EventSelection;
  readonly email: { readonly to: readonly string[]; readonly subject: string };
}

export interface MailConfiguration {
  /** `smtp:` or `smtps:`, with the user's name and password where the server wants them. */
  readonly smtp: string;
  readonly from: string;
}

/** A configuration file, checked and complete: secrets are resolved and defaults filled in. */
export interface Configuration {
  /** The file as it was named. */
  readonly file: string;
  readonly server: ServerConfiguration;
  /** By name. */
  readonly accounts: ReadonlyMap<string, Account>;
  readonly groupNames: readonly string[];
  readonly dispatch: readonly DispatchRuleConfiguration[];
  readonly alerts: readonly AlertRuleConfiguration[];
  readonly mail: MailConfiguration | undefined;
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
