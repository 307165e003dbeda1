import type { Account } from "../../core/account.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { AlertRule } from "../../core/alert-rule.ts";
import { type DuePeriod, type Expectation, latestDuePeriod } from "../../core/expectation.ts";
import { dueWarning } from "../../core/expiry.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { Runtime } from "../../ports/runtime.ts";

/** A certificate with which the server shows who it is. */
export interface ServerCertificate {
  /** Such as `ftps`. */
  readonly use: string;
  readonly subject: string;
  readonly expiresAtMs: number;
}

export interface WatchServices {
  readonly rules: () => readonly AlertRule[];
  readonly accounts: () => Iterable<Account>;
  readonly certificates: () => readonly ServerCertificate[];
  readonly accounting: Pick<AccountingLog, "append" | "find" | "query">;
  readonly runtime: Runtime;
  readonly serverName: string;
  /** How late the record may show an event. @default not at all */
  readonly recordLateMs?: number | undefined;
}

type Notice = Pick<AccountingEvent, "id" | "type" | "message" | "data" | "account">;

/**
 * Puts on record what is not there: files that did not come in time, and time that accounts and certificates have no
 * more. Ids are made from the cause, so that each is on record once, whichever process notices it.
 */
export class Watches {
  readonly #services: WatchServices;
  readonly #noticed = new Set<string>();
  #stop: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(services: WatchServices) {
    this.#services = services;
  }

  start(): void {
    this.#stop = this.#services.runtime.every(limits.watchMs, () => {
      this.#running = this.check().catch((error: unknown) =>
        this.#services.runtime.log.error("looking for missing files and expiries failed", { error }),
      );
    });
  }

  async stop(): Promise<void> {
    this.#stop();
    await this.#running;
  }

  /** @throws FileError `unavailable`; what was not looked at is looked at again. */
  async check(): Promise<void> {
    for (const { name, enabled, expect } of this.#services.rules()) {
      if (enabled && expect) await this.#checkFile(name, expect);
    }
    for (const account of this.#services.accounts()) await this.#checkAccount(account);
    for (const certificate of this.#services.certificates()) await this.#checkCertificate(certificate);
  }

  async #checkFile(rule: string, expectation: Expectation): Promise<void> {
    // A file that came just in time has to be seen.
    const { runtime, recordLateMs = 0 } = this.#services;
    const period = latestDuePeriod(expectation, runtime.now() - recordLateMs);
    const [since, until] = [isoTime(period.sinceMs), isoTime(period.untilMs)];
    const id = `missing-${rule}-${until}`;
    if (this.#noticed.has(id)) return;
    const { account, path } = expectation;
    if ((await this.#hasArrived(expectation, period)) || (await this.#isNewer(rule, until))) {
      this.#noticed.add(id);
      return;
    }
    await this.#notice({
      id,
      type: "file.missing",
      message: `no file ${path.source} came from ${account} by ${until}`,
      account: { name: account, groups: [] },
      data: { rule, expected: path.source, since, until },
    });
  }

  /** By an upload, where it is scanned by its release, or by a file of another name that was given this one. */
  async #hasArrived({ account, path }: Expectation, { sinceMs, untilMs }: DuePeriod): Promise<boolean> {
    const query = {
      since: isoTime(sinceMs),
      until: isoTime(untilMs),
      types: ["transfer.completed", "file.renamed", "file.copied", "scan.clean", "scan.released"] as const,
      account,
      limit: limits.eventPageEntries,
    };
    for (let cursor: string | undefined; ; ) {
      const page = await this.#services.accounting.query({ ...query, cursor });
      for (const event of page.events) {
        const { direction, quarantined, path: at } = event.data;
        const isFile = direction !== "download" && quarantined !== true && typeof at === "string";
        if (isFile && path.matches(at) && !(await this.#wasPutAway(event))) return true;
      }
      if (page.cursor === undefined) return false;
      cursor = page.cursor;
    }
  }

  /** A scanner of the store itself finds an upload infected behind its end. */
  async #wasPutAway({ type, data }: AccountingEvent): Promise<boolean> {
    if (type !== "transfer.completed" || typeof data.transferId !== "string") return false;
    return (await this.#services.accounting.find(`${data.transferId}.scan.infected`)) !== undefined;
  }

  /**
   * Whether the rule was not yet there at the deadline: nobody waited for the file then. An empty data directory takes
   * its first rules without a change on record, so there the beginning of the record counts.
   */
  async #isNewer(rule: string, deadline: string): Promise<boolean> {
    const { accounting } = this.#services;
    const first = await accounting.query({ until: deadline, limit: 1 });
    if (first.events.length === 0 && first.cursor === undefined) return true;
    const query = { since: deadline, types: ["configuration.changed"] as const, limit: limits.eventPageEntries };
    for (let cursor: string | undefined; ; ) {
      const page = await accounting.query({ ...query, cursor });
      const isNew = page.events.some(({ data }) => isNewExpectation(data, rule));
      if (isNew || page.cursor === undefined) return isNew;
      cursor = page.cursor;
    }
  }

  async #checkAccount({ name, groups, expiresAtMs, enabled }: Account): Promise<void> {
    const days =
      enabled && expiresAtMs !== undefined ? dueWarning(expiresAtMs, this.#services.runtime.now()) : undefined;
    if (days === undefined || expiresAtMs === undefined) return;
    const expires = isoTime(expiresAtMs);
    await this.#notice({
      id: `expiring-account-${name}-${expires}-${days}`,
      type: "account.expiring",
      message: `the account ${name} expires on ${expires}`,
      account: { name, groups: groups.map((group) => group.name) },
      data: { expires, days },
    });
  }

  async #checkCertificate({ use, subject, expiresAtMs }: ServerCertificate): Promise<void> {
    const days = dueWarning(expiresAtMs, this.#services.runtime.now());
    if (days === undefined) return;
    const { serverName } = this.#services;
    const expires = isoTime(expiresAtMs);
    await this.#notice({
      id: `expiring-certificate-${serverName}-${use}-${expires}-${days}`,
      type: "certificate.expiring",
      message: `the certificate of ${use} expires on ${expires}`,
      data: { use, subject, expires, days },
    });
  }

  async #notice({ account, ...notice }: Notice): Promise<void> {
    if (this.#noticed.has(notice.id)) return;
    const { accounting, runtime, serverName } = this.#services;
    await accounting.append({
      ...notice,
      time: isoTime(runtime.now()),
      server: serverName,
      ...(account && { account }),
      protocol: "system",
    });
    this.#noticed.add(notice.id);
  }
}

/** Of `configuration.changed`: whether the rule waits for something else from then on. */
function isNewExpectation({ kind, name, fields }: AccountingEvent["data"], rule: string): boolean {
  if (kind !== "alert-rule" || name !== rule || !Array.isArray(fields)) return false;
  return fields.some((field) => /^(expect|enabled)\b/.test(`${field}`));
}

function isoTime(instantMs: number): string {
  return new Date(instantMs).toISOString();
}
