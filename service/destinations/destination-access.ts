import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { RemoteDestination } from "../../core/remote-destination.ts";
import type { RemoteSite, RemoteSites } from "../../ports/remote-site.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { BytePace } from "./byte-pace.ts";

/**
 * What pushes and pulls of one destination share: how many there may be at the same time, how fast they may be
 * together, and the connections that are open.
 */
export class DestinationAccess {
  readonly destination: RemoteDestination;
  readonly pace: BytePace;
  readonly #sites: RemoteSites;
  readonly #runtime: Pick<Runtime, "now" | "every">;
  readonly #idle = new Map<RemoteSite, () => void>();
  readonly #inUse = new Set<RemoteSite>();
  readonly #queue: (() => void)[] = [];
  #taken = 0;
  #isClosed = false;

  constructor(destination: RemoteDestination, sites: RemoteSites, runtime: Pick<Runtime, "now" | "every">) {
    this.destination = destination;
    this.pace = new BytePace(runtime, destination.bytesPerSecond);
    this.#sites = sites;
    this.#runtime = runtime;
  }

  /**
   * Waits for its turn and does the work on a connection. One on which something failed is closed.
   * @throws FileError as `RemoteSites.open`, and what the work throws
   */
  async withSite<T>(work: (site: RemoteSite) => Promise<T>): Promise<T> {
    await this.#slot();
    try {
      const site = await this.#site();
      this.#inUse.add(site);
      const result = await work(site).catch((error: unknown) => {
        this.#inUse.delete(site);
        site.close();
        throw error;
      });
      this.#inUse.delete(site);
      this.#keep(site);
      return result;
    } finally {
      this.#taken -= 1;
      this.#queue.shift()?.();
    }
  }

  /** Ends what is under way with `unavailable`. */
  close(): void {
    this.#isClosed = true;
    for (const site of [...this.#inUse, ...this.#idle.keys()]) site.close();
    for (const stop of this.#idle.values()) stop();
    this.#idle.clear();
    for (const start of this.#queue.splice(0)) start();
  }

  async #slot(): Promise<void> {
    while (this.#taken >= this.destination.concurrency && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
    this.#taken += 1;
  }

  async #site(): Promise<RemoteSite> {
    if (this.#isClosed) throw new FileError("unavailable", "the server is stopping");
    const [idle] = this.#idle.entries();
    if (idle) {
      const [site, stop] = idle;
      stop();
      this.#idle.delete(site);
      return site;
    }
    const site = await this.#sites.open(this.destination);
    if (this.#isClosed) site.close();
    return site;
  }

  #keep(site: RemoteSite): void {
    if (this.#isClosed) {
      site.close();
      return;
    }
    const stop = this.#runtime.every(limits.siteIdleMs, () => {
      stop();
      this.#idle.delete(site);
      site.close();
    });
    this.#idle.set(site, stop);
  }
}

/** The destinations of the configuration in force. */
export class Destinations {
  readonly #configured: () => readonly RemoteDestination[];
  readonly #sites: RemoteSites;
  readonly #runtime: Pick<Runtime, "now" | "every">;
  readonly #accesses = new Map<string, DestinationAccess>();
  #isClosed = false;

  constructor(
    configured: () => readonly RemoteDestination[],
    sites: RemoteSites,
    runtime: Pick<Runtime, "now" | "every">,
  ) {
    this.#configured = configured;
    this.#sites = sites;
    this.#runtime = runtime;
  }

  all(): readonly RemoteDestination[] {
    return this.#configured();
  }

  find(name: string): RemoteDestination | undefined {
    return this.#configured().find((destination) => destination.name === name);
  }

  /** What was changed in the configuration counts from the next transfer on. @throws FileError `not-found`. */
  access(name: string): DestinationAccess {
    const destination = this.find(name);
    if (!destination) throw new FileError("not-found", `there is no destination ${name}`);
    const known = this.#accesses.get(name);
    if (known?.destination === destination) return known;
    const access = new DestinationAccess(destination, this.#sites, this.#runtime);
    if (this.#isClosed) access.close();
    this.#accesses.set(name, access);
    return access;
  }

  /** Ends what is under way. */
  close(): void {
    this.#isClosed = true;
    for (const access of this.#accesses.values()) access.close();
  }
}
