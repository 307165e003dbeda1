import type { Configuration } from "../../adapters/node/configuration/configuration.ts";
import type { LoadedConfiguration } from "../../adapters/node/configuration/load-configuration.ts";
import type { EventFeed } from "../../ports/event-feed.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { DeadLetterDesk } from "../../service/consume/dead-letter-desk.ts";
import type { TransferDesk } from "../../service/destinations/transfer-desk.ts";
import type { Management } from "../../service/management/management.ts";
import type { ScanDesk } from "../../service/scan/scan-desk.ts";
import type { OpenSession, ResumeSession } from "../../service/session/open-session.ts";
import type { SessionServices } from "../../service/session/services.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where each protocol listens; the content of `run/endpoints.json`. */
export interface Endpoints {
  sftp?: Address;
  ftps?: Address;
  ftpsImplicit?: Address;
  http?: { readonly url: string };
}

export interface LocalServerOptions {
  readonly dataDirectory: string;
  readonly loaded: Extract<LoadedConfiguration, { ok: true }>;
  readonly runtime: Runtime;
  /** By default files are in the folder `files` of the data directory. */
  readonly openObjects?: (() => Promise<ObjectStore>) | undefined;
}

/** A protocol that listens. */
export interface Front {
  drain(): Promise<void>;
  close(): Promise<void>;
}

export type Readiness = "starting" | "ready" | "draining";

/** What every protocol is started with. */
export interface FrontServices {
  readonly services: SessionServices;
  readonly openSession: OpenSession;
  readonly resumeSession: ResumeSession;
  readonly readiness: () => Readiness;
  /** The configuration in force. */
  readonly configuration: () => Configuration;
  readonly feed: EventFeed;
  readonly deadLetters: DeadLetterDesk;
  readonly scans: ScanDesk;
  readonly management: Management;
  readonly transfers: TransferDesk | undefined;
  /** The text of `GET /metrics`. */
  readonly metrics: () => string;
}

export type Started = { readonly fronts: readonly Front[]; readonly endpoints: Endpoints };
