import { serverCertificateOf } from "../adapters/node/server-certificate.ts";
import type { AccountingLog } from "../ports/accounting-log.ts";
import type { Runtime } from "../ports/runtime.ts";
import type { TlsMaterial } from "../protocols/ftps/tls-settings.ts";
import { Watches } from "../service/alerts/watches.ts";

export interface CertificateWatchOptions {
  /** Of the whole gateway: every task looks, and by the name it is one event. */
  readonly serverName: string;
  /** Undefined where FTPS is not served. */
  readonly tls: (() => TlsMaterial) | undefined;
  readonly accounting: Pick<AccountingLog, "append" | "find" | "query">;
  readonly runtime: Runtime;
}

/** Puts on record that the certificate of FTPS is about to expire. The secret that holds it is the gateway's alone. */
export function createCertificateWatch({ serverName, tls, accounting, runtime }: CertificateWatchOptions): Watches {
  const certificates = () => (tls ? [serverCertificateOf("ftps", tls().certificate)] : []);
  return new Watches({ rules: () => [], accounts: () => [], certificates, accounting, runtime, serverName });
}
