import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { createDirectoryObjectStore } from "../../adapters/local/directory-object-store.ts";
import { createClamdScanner } from "../../adapters/node/clamd-scanner.ts";
import type { Configuration, ScannerConfiguration } from "../../adapters/node/configuration/configuration.ts";
import { contentConversions } from "../../adapters/node/content-conversions.ts";
import type { QuarantineBounds } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { Claims } from "../../ports/claims.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { EventHandler } from "../../service/consume/event-consumer.ts";
import { Quarantine } from "../../service/scan/quarantine.ts";
import { ScanDesk } from "../../service/scan/scan-desk.ts";
import { type DispatchScanning, type ScannerInForce, scanRetries } from "../../service/scan/scan-services.ts";
import type { UploadQuarantine } from "../../service/session/upload-quarantine.ts";
import type { LocalServerOptions } from "./front.ts";

export interface ScanParts {
  readonly objects: ObjectStore;
  readonly accounting: AccountingLog;
  readonly claims: Claims;
  readonly deadLetters: DeadLetters;
}

/** The quarantine in the data directory, and the scanner of the configuration in force. */
export interface LocalScanning {
  readonly uploads: UploadQuarantine;
  readonly dispatch: DispatchScanning;
  /** Goes on with what an earlier process left, and from then on with what the handler is given. */
  start(parts: ScanParts): Promise<EventHandler>;
  /** Only behind `start`. */
  desk(): ScanDesk;
  /** Ends what is under way, for at most limits.drainMs; the rest waits for the next start. */
  stop(): Promise<void>;
}

/** @throws Error in words for the operator when the quarantine cannot be used. */
export async function openScanning(
  { dataDirectory, runtime }: LocalServerOptions,
  configuration: () => Configuration,
): Promise<LocalScanning> {
  const store = await createDirectoryObjectStore({
    filesDirectory: join(dataDirectory, "quarantine", "files"),
    stagingDirectory: join(dataDirectory, "quarantine", "staging"),
  });
  const quarantine = new Quarantine({
    store,
    conversions: contentConversions,
    runtime,
    bounds: () => boundsOf(configuration().scanner),
  });
  const scanner = scannerInForce(() => configuration().scanner);
  let desk: ScanDesk | undefined;
  let stopSweeping = () => {};
  return {
    uploads: {
      quarantine,
      scope: () => configuration().scanner?.scan,
      settled: async (transferId) => desk?.settled(transferId),
    },
    dispatch: { quarantine, scanner },
    start: async (parts) => {
      const started = new ScanDesk({ ...parts, quarantine, scanner, runtime, retries: scanRetries });
      desk = started;
      await started.start();
      stopSweeping = runtime.every(limits.quarantineSweepMs, () => {
        started
          .removeExpired()
          .catch((error: unknown) => runtime.log.error("expired files stay in quarantine", { error: `${error}` }));
      });
      return started.handler();
    },
    desk: () => {
      if (!desk) throw new Error("scanning has not started");
      return desk;
    },
    stop: async () => {
      stopSweeping();
      const timeLimit = new Promise((resolve) => setTimeout(resolve, limits.drainMs).unref());
      await Promise.race([desk?.stop(), timeLimit]);
    },
  };
}

function boundsOf(configured: ScannerConfiguration | undefined): QuarantineBounds {
  const { quarantineFiles, quarantineBytes } = configured ?? limits;
  return { files: quarantineFiles, bytes: quarantineBytes };
}

/** Another scanner when the configuration changes. */
function scannerInForce(configured: () => ScannerConfiguration | undefined): () => ScannerInForce | undefined {
  let known: { readonly settings: ScannerConfiguration; readonly inForce: ScannerInForce } | undefined;
  return () => {
    const settings = configured();
    if (settings && !isDeepStrictEqual(settings.clamd, known?.settings.clamd)) {
      const { clamd, whenDown, retentionDays } = settings;
      known = { settings, inForce: { scanner: createClamdScanner(clamd), whenDown, retentionDays } };
    }
    if (!settings || !known) return undefined;
    return { ...known.inForce, whenDown: settings.whenDown, retentionDays: settings.retentionDays };
  };
}
