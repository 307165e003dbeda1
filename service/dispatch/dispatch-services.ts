import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { Archives } from "../../ports/archives.ts";
import type { Claims } from "../../ports/claims.ts";
import type { ContentConversions } from "../../ports/content-conversions.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { OpenPgp } from "../../ports/openpgp.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { RemoteTurn } from "../destinations/remote-transfer.ts";
import type { DispatchScanning } from "../scan/scan-services.ts";
import type { StoreScanning } from "./after-scan.ts";

export interface Pushing {
  /**
   * The destination, when it is its turn. @throws WorkDeferred when the event was put into the queue of the destination
   * @throws FileError `not-found` for a destination that there is not, `unavailable`
   */
  turnFor(event: AccountingEvent, destination: string): Promise<RemoteTurn>;
}

/** What can be made of a file where work is ended after a time. */
export interface ConversionBounds {
  /** A larger file would be begun again and again, and never be done. */
  readonly mostBytes: number;
  /** The moment at which what is under way is given up, to be begun anew. Milliseconds since the epoch. */
  endMs(): number;
}

/** What dispatching stands on. */
export interface DispatchServices {
  readonly objects: ObjectStore;
  readonly accounting: AccountingLog;
  readonly accounts: AccountDirectory;
  readonly claims: Claims;
  readonly conversions: ContentConversions;
  readonly archives: Archives;
  /** Undefined where there are no keys. */
  readonly pgp?: OpenPgp | undefined;
  /** Of steps that make one file of another; without it there are none. */
  readonly conversionBounds?: ConversionBounds | undefined;
  /** How files get to destinations; undefined where that is not possible. */
  readonly pushing?: Pushing | undefined;
  /** What the step `scan` needs, where the server scans by itself. */
  readonly scanning?: DispatchScanning | undefined;
  /** The same where the store is scanned, and infected files are put away. With neither such a step fails. */
  readonly storeScanning?: StoreScanning | undefined;
  readonly runtime: Runtime;
  /** How events name this server. */
  readonly serverName: string;
}
