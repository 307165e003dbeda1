import type { Account } from "../../core/account.ts";
import { asciiJson } from "../../core/ascii-json.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { type Pull, takes } from "../../core/pull.ts";
import type { TransferProgress } from "../../core/transfer-progress.ts";
import { childPath } from "../../core/virtual-path.ts";
import type { PullRun } from "../../ports/pull-memory.ts";
import type { RemoteEntry } from "../../ports/remote-site.ts";
import { reasonOf } from "../consume/retry.ts";
import type { DestinationAccess } from "./destination-access.ts";
import { fetchOnce, type Incoming, moveAway } from "./incoming-file.ts";
import type { PullServices } from "./pull-services.ts";
import { shortDigest } from "./remote-names.ts";

export interface PullSurroundings {
  /** What is under way, as those who watch see it. */
  readonly active: Set<TransferProgress>;
  readonly isStopping: () => boolean;
  /** Resolves after that time, or when the server stops. */
  readonly sleep: (ms: number) => Promise<void>;
}

interface Look {
  readonly services: PullServices;
  readonly pull: Pull;
  readonly account: Account;
  readonly access: DestinationAccess;
  readonly surroundings: PullSurroundings;
}

interface Found {
  readonly entry: RemoteEntry;
  readonly id: string;
}

export interface FailedFile {
  readonly remotePath: string;
  readonly reason: string;
}

export interface RunReport {
  readonly run: PullRun;
  readonly failures: readonly FailedFile[];
}

/** Looks at the folder of a pull once, and fetches what is new there. Never throws: the report says what failed. */
export async function runPull(services: PullServices, pull: Pull, surroundings: PullSurroundings): Promise<RunReport> {
  const { runtime } = services;
  const startedAt = new Date(runtime.now()).toISOString();
  const counts = { files: 0, fetched: 0, known: 0, unstable: 0, failed: 0 };
  const failures: FailedFile[] = [];
  const report = (failure?: string): RunReport => {
    const endedAt = new Date(runtime.now()).toISOString();
    return { run: { startedAt, endedAt, ...counts, ...(failure !== undefined && { failure }) }, failures };
  };
  try {
    const account = await services.accounts.find(pull.account);
    if (!account) throw new FileError("not-found", `there is no account ${pull.account}`);
    const look: Look = {
      services,
      pull,
      account,
      access: services.destinations.access(pull.destination),
      surroundings,
    };
    const found = await filesAt(look);
    const fresh = await withoutKnown(look, found);
    const stable = await stableAmong(look, fresh);
    counts.files = found.length;
    counts.known = found.length - fresh.length;
    counts.unstable = fresh.length - stable.length;
    await fetchAll(look, stable, (failure) => {
      if (!failure) counts.fetched += 1;
      else {
        counts.failed += 1;
        if (failures.length < limits.pullFailuresListed) failures.push(failure);
      }
    });
    return report();
  } catch (error) {
    if (!(error instanceof FileError)) runtime.log.error("a pull failed", { pull: pull.name, error });
    return report(reasonOf(error));
  }
}

async function filesAt({ services, pull, access }: Look): Promise<Found[]> {
  const entries = await access.withSite(async (site) => {
    const files: RemoteEntry[] = [];
    for await (const entry of site.list(pull.from)) {
      if (entry.type === "file" && takes(pull, entry.name)) files.push(entry);
    }
    return files;
  });
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((entry) => ({ entry, id: identityOf(services, entry) }));
}

/** What tells a file from another one that had its name before. */
function identityOf({ runtime }: PullServices, { name, bytes, modifiedAtMs }: RemoteEntry): string {
  return shortDigest(runtime, asciiJson([name, bytes, modifiedAtMs ?? null]));
}

async function withoutKnown({ services, pull }: Look, found: readonly Found[]): Promise<Found[]> {
  const fresh: Found[] = [];
  for (let at = 0; at < found.length; at += limits.pullMemoryPage) {
    const page = found.slice(at, at + limits.pullMemoryPage);
    const known = await services.memory.known(
      pull.name,
      page.map(({ id }) => id),
    );
    fresh.push(...page.filter(({ id }) => !known.has(id)));
  }
  return fresh;
}

/** Those that are the same after the time in which a file that is being written would have changed. */
async function stableAmong(look: Look, fresh: readonly Found[]): Promise<readonly Found[]> {
  const { pull, surroundings } = look;
  if (pull.stableMs === 0 || fresh.length === 0) return fresh;
  await surroundings.sleep(pull.stableMs);
  if (surroundings.isStopping()) return [];
  const now = new Set((await filesAt(look)).map(({ id }) => id));
  return fresh.filter(({ id }) => now.has(id));
}

/** As many at the same time as the destination allows. */
async function fetchAll(
  look: Look,
  files: readonly Found[],
  settled: (failure: FailedFile | undefined) => void,
): Promise<void> {
  const waiting = files.values();
  const work = async () => {
    for (const file of waiting) {
      if (look.surroundings.isStopping()) return;
      settled(await fetchOne(look, file));
    }
  };
  await Promise.all(Array.from({ length: look.access.destination.concurrency }, work));
}

async function fetchOne(look: Look, { entry, id }: Found): Promise<FailedFile | undefined> {
  const { services, pull, account, access, surroundings } = look;
  const progress: TransferProgress = {
    direction: "pull",
    destination: pull.destination,
    account: account.name,
    path: `${pull.to}/${entry.name}`.replace("//", "/"),
    remotePath: `${pull.from}/${entry.name}`.replace("//", "/"),
    bytes: entry.bytes,
    movedBytes: 0,
    startedAtMs: services.runtime.now(),
    attempts: 1,
  };
  surroundings.active.add(progress);
  const incoming: Incoming = { pull, account, entry, id, access, progress };
  try {
    await fetchOnce(services, incoming);
    return undefined;
  } catch (error) {
    if (!(error instanceof FileError)) services.runtime.log.error("a file was not pulled", { pull: pull.name, error });
    await putAside(incoming, error);
    return { remotePath: progress.remotePath, reason: reasonOf(error) };
  } finally {
    surroundings.active.delete(progress);
  }
}

/** What cannot be fetched would be in the way for ever; what may pass is tried at the next look. */
async function putAside({ pull, access, entry }: Incoming, error: unknown): Promise<void> {
  const { failureFolder } = pull;
  const isFinal = error instanceof FileError && !["unavailable", "integrity"].includes(error.code);
  if (!isFinal || failureFolder === undefined) return;
  await access
    .withSite((site) => moveAway(site, childPath(pull.from, entry.name), { folder: failureFolder }))
    .catch(() => {});
}
