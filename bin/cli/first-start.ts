import { mkdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { hostKeyFingerprint, hostKeyMakers } from "../../adapters/node/host-keys.ts";
import { createPasswordHasher } from "../../adapters/node/password-hasher.ts";
import { dataFiles, exists, writePrivateFile } from "./data-directory.ts";
import { createPassword, demoConfiguration } from "./demo-configuration.ts";

/** What nobody can find out later: print it once. */
export interface FirstStartReport {
  readonly configurationFile: string;
  readonly accounts: readonly { readonly name: string; readonly password: string }[];
}

/**
 * Makes what the data directory lacks: host keys, a TLS certificate with its key and, when `withDemo`, the demo
 * configuration. Nothing that is there is touched. Only the owner may read what is made.
 * @returns the passwords of the demo accounts when they were made by this call
 */
export async function prepareDataDirectory(
  dataDirectory: string,
  { withDemo }: { withDemo: boolean },
): Promise<FirstStartReport | undefined> {
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
  await makeHostKeys(dataDirectory);
  await makeTlsCertificate(dataDirectory);
  return withDemo ? makeDemo(dataDirectory) : undefined;
}

async function makeHostKeys(dataDirectory: string): Promise<void> {
  const { hostKeys } = dataFiles(dataDirectory);
  for (const type of ["ed25519", "rsa"] as const) {
    if (!(await exists(hostKeys[type]))) await writePrivateFile(hostKeys[type], await hostKeyMakers[type]());
  }
}

async function makeTlsCertificate(dataDirectory: string): Promise<void> {
  const { tlsCertificate, tlsPrivateKey } = dataFiles(dataDirectory);
  if (await exists(tlsCertificate)) return;
  const { createSelfSignedCertificate, createTlsPrivateKey } = await import("../../adapters/node/tls-certificate.ts");
  if (!(await exists(tlsPrivateKey))) await writePrivateFile(tlsPrivateKey, createTlsPrivateKey());
  const privateKey = await readFile(tlsPrivateKey, "utf8");
  const hosts = [...new Set(["localhost", hostname(), "127.0.0.1", "::1"])].filter((host) => host !== "");
  await writePrivateFile(tlsCertificate, createSelfSignedCertificate(privateKey, hosts, Date.now()));
}

async function makeDemo(dataDirectory: string): Promise<FirstStartReport | undefined> {
  const { configuration } = dataFiles(dataDirectory);
  if (await exists(configuration)) return undefined;
  const hasher = createPasswordHasher();
  const acme = createPassword();
  const admin = createPassword();
  const hashes = { acme: await hasher.hash(acme), admin: await hasher.hash(admin) };
  await writePrivateFile(configuration, demoConfiguration(hashes));
  const accounts = [
    { name: "acme", password: acme },
    { name: "admin", password: admin },
  ];
  return { configurationFile: configuration, accounts };
}

/** The fingerprints of the data directory's host keys, `SHA256:… (ED25519)` and so on, as OpenSSH shows them. */
export async function hostKeyFingerprints(dataDirectory: string): Promise<readonly string[]> {
  const files = Object.values(dataFiles(dataDirectory).hostKeys);
  return Promise.all(files.map(async (file) => hostKeyFingerprint(await readFile(file, "utf8"))));
}
