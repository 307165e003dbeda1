import { FileError } from "../../core/errors.ts";
import { contentKey, type HeldFile } from "../../core/held-file.ts";
import { type FinalVerdict, ScannerDown, type ScanVerdict } from "../../ports/content-scanner.ts";
import { once, type Turn } from "../consume/once.ts";
import { contentOf, type Released, release } from "./release.ts";
import { type ScanServices, scanConsumer, scanEvent } from "./scan-services.ts";

/** What became of a held file, for whoever waits for it. */
export type Settled =
  | { readonly outcome: "released"; readonly etag: string }
  | { readonly outcome: "infected"; readonly signature: string };

/** Why a file leaves the quarantine. */
export interface ReleaseReason {
  readonly type: "scan.clean" | "scan.released";
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The scanner has the file and will say later. */
export class VerdictPending extends FileError {
  constructor() {
    super("unavailable", "the scanner has not answered yet");
  }
}

/**
 * Gives a held file the one end that its verdict asks for, however often it is asked for and whoever dies in between.
 * @param judge asked only while the file has no end
 * @param work `release` for what an operator does with a file that was found infected, which had its end before
 * @throws VerdictPending, WorkBusy, and what the scanner and the stores throw: the file is still held then.
 */
export async function settle(
  services: ScanServices,
  file: HeldFile,
  judge: () => Promise<ScanVerdict | ReleaseReason>,
  work: "settle" | "release" = "settle",
): Promise<Settled> {
  const claimId = `${scanConsumer}.${file.event.id}/${file.transferId}/${work}`;
  const result = await once(services, claimId, async (turn) =>
    JSON.stringify(await decide(services, file, { turn, judge })),
  );
  const settled = JSON.parse(result) as Settled;
  // Whoever died behind the end of the work left the file here.
  if (settled.outcome === "released") await forget(services, file);
  else await keepInfected(services, file, settled.signature);
  return settled;
}

async function decide(
  services: ScanServices,
  file: HeldFile,
  { turn, judge }: { readonly turn: Turn; readonly judge: () => Promise<ScanVerdict | ReleaseReason> },
): Promise<Settled> {
  // A note says that the file was found good and was on its way: a second opinion could leave it at both places.
  const noted = turn.note === undefined ? undefined : (JSON.parse(turn.note) as { readonly reason: ReleaseReason });
  const verdict = noted?.reason ?? (await judge());
  if ("type" in verdict) return releaseFor(services, file, { turn, reason: verdict });
  if (verdict.verdict === "pending") throw new VerdictPending();
  if (verdict.verdict === "clean") return releaseFor(services, file, { turn, reason: cleanReason(file, verdict) });
  await recordInfected(services, file, verdict);
  return { outcome: "infected", signature: verdict.signature };
}

function cleanReason({ path }: HeldFile, { scanner }: { readonly scanner?: string | undefined }): ReleaseReason {
  return {
    type: "scan.clean",
    message: `${path} was scanned and is clean`,
    data: scanner === undefined ? {} : { scanner },
  };
}

async function releaseFor(
  services: ScanServices,
  file: HeldFile,
  { turn, reason }: { readonly turn: Turn; readonly reason: ReleaseReason },
): Promise<Settled> {
  const released = await release(services, file, noteBeside(turn, reason));
  const { path, objectKey, etag } = released;
  await services.accounting.append(
    scanEvent(services, file, {
      ...reason,
      data: { path, objectKey, etag, ...originally(file, released), ...reason.data },
    }),
  );
  return { outcome: "released", etag };
}

function originally(file: HeldFile, { path }: Released): Readonly<Record<string, unknown>> {
  return path === file.path ? {} : { uploadedAs: file.path };
}

/** Notes of the release, with the reason for it, so that a crash in the middle leads to the same end. */
function noteBeside({ note, annotate }: Turn, reason: ReleaseReason): Turn {
  return {
    note: note === undefined ? undefined : JSON.stringify((JSON.parse(note) as { place: unknown }).place),
    annotate: (place) => annotate(JSON.stringify({ reason, place: JSON.parse(place) as unknown })),
  };
}

async function recordInfected(
  services: ScanServices,
  file: HeldFile,
  { signature, scanner }: Extract<FinalVerdict, { readonly verdict: "infected" }>,
): Promise<void> {
  // The same file again is counted, not kept once more.
  const keptAs = services.quarantine.twinOf(file);
  await services.accounting.append(
    scanEvent(services, file, {
      type: "scan.infected",
      message: `${file.path} is infected with ${signature} and stays in quarantine`,
      data: { signature, ...(scanner !== undefined && { scanner }), ...(keptAs !== undefined && { keptAs }) },
    }),
  );
}

async function keepInfected(services: ScanServices, file: HeldFile, signature: string): Promise<void> {
  const { quarantine, runtime } = services;
  quarantine.leave(file.objectKey, file.transferId);
  await quarantine.keepInfected({ ...file, state: "infected", reason: signature, since: runtime.now() });
  await services.deadLetters.remove(`${scanConsumer}.${file.event.id}`);
}

async function forget({ quarantine, deadLetters }: ScanServices, file: HeldFile): Promise<void> {
  await quarantine.remove(file.transferId);
  quarantine.leave(file.objectKey, file.transferId);
  await deadLetters.remove(`${scanConsumer}.${file.event.id}`);
}

/** Asks the scanner of the configuration in force. @throws ScannerDown, FileError as `ContentScanner.scan`. */
export async function askScanner(services: ScanServices, file: HeldFile): Promise<ScanVerdict> {
  const inForce = services.scanner();
  if (!inForce) throw new ScannerDown("no scanner is configured");
  const { quarantine } = services;
  const entry = await quarantine.content(file.transferId);
  if (!entry) throw new FileError("not-found", "the file is not in quarantine any more");
  return inForce.scanner.scan({
    scanId: file.transferId,
    objectKey: contentKey(file.transferId),
    bytes: file.bytes,
    content: async function* () {
      const reader = await quarantine.open(file.transferId);
      try {
        yield* contentOf(reader);
      } finally {
        await reader.close();
      }
    },
  });
}
