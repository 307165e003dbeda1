import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { type HostKeyType, hostKeyFingerprint, hostKeyMakers, hostKeyType } from "../../adapters/node/host-keys.ts";
import { parseArguments, UsageError } from "./arguments.ts";

type HostKeys = Readonly<Partial<Record<HostKeyType, string>>>;

/**
 * `ferrygate host-keys`: prints what the secret of the AWS edition's host keys holds, `{"ed25519": PEM, "rsa": PEM}`,
 * made new or of files, and on standard error their fingerprints. `--show` reads such a secret from standard input and
 * prints the fingerprints only.
 * @returns the exit code: 0, or 1 when something is not a host key
 */
export async function runHostKeys(args: readonly string[]): Promise<number> {
  const options = { import: { type: "string", multiple: true }, show: { type: "boolean" } } as const;
  const { import: files, show } = parseArguments({ args: [...args], options, allowPositionals: true }).values;
  if (files && show) throw new UsageError("--import and --show do not go together");
  const positionals = parseArguments({ args: [...args], options, allowPositionals: true }).positionals;
  const named = files ? [...files, ...positionals] : positionals;
  if (!files && named.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(named[0])}`);
  if (show) return showFingerprints(await text(process.stdin));
  const hostKeys = files ? await importedKeys(named) : await newKeys();
  process.stdout.write(`${JSON.stringify(hostKeys)}\n`);
  process.stderr.write(fingerprintsOf(hostKeys));
  return 0;
}

async function newKeys(): Promise<HostKeys> {
  return { ed25519: await hostKeyMakers.ed25519(), rsa: await hostKeyMakers.rsa() };
}

async function importedKeys(files: readonly string[]): Promise<HostKeys> {
  const hostKeys: Partial<Record<HostKeyType, string>> = {};
  for (const file of files) {
    const hostKey = await readFile(file, "utf8");
    const type = typeOf(hostKey, file);
    if (hostKeys[type] !== undefined) throw new Error(`${file}: there is an ${type} key already`);
    hostKeys[type] = hostKey;
  }
  return hostKeys;
}

function showFingerprints(secret: string): number {
  process.stdout.write(fingerprintsOf(secretOf(secret)));
  return 0;
}

function secretOf(secret: string): HostKeys {
  try {
    const value: unknown = JSON.parse(secret);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The parser's message would quote what it reads.
  }
  throw new Error("standard input is not a secret with host keys");
}

function fingerprintsOf(hostKeys: HostKeys): string {
  const lines = Object.entries(hostKeys).map(([name, hostKey]) => {
    typeOf(hostKey, name);
    return `${hostKeyFingerprint(hostKey)}\n`;
  });
  return lines.join("");
}

function typeOf(hostKey: string, source: string): HostKeyType {
  try {
    return hostKeyType(hostKey);
  } catch (error) {
    throw new Error(`${source} is not a host key: ${(error as Error).message}`);
  }
}
