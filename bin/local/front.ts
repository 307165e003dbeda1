import type { LoadedConfiguration } from "../../adapters/local/configuration/load-configuration.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { OpenSession } from "../../service/session/open-session.ts";
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
  readonly readiness: () => Readiness;
}

export type Started = { readonly fronts: readonly Front[]; readonly endpoints: Endpoints };
