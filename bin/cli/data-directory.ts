import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Where things lie below the data directory. */
export function dataFiles(dataDirectory: string) {
  const keys = join(dataDirectory, "keys");
  return {
    configuration: join(dataDirectory, "ferrygate.yaml"),
    hostKeys: {
      ed25519: join(keys, "ssh_host_ed25519_key"),
      rsa: join(keys, "ssh_host_rsa_key"),
    },
    tlsCertificate: join(keys, "tls_certificate.pem"),
    tlsPrivateKey: join(keys, "tls_private_key.pem"),
    tokenSigningKeys: join(keys, "token_signing_keys.json"),
    uploadUrlSecret: join(keys, "upload_url_secret"),
    uploads: join(dataDirectory, "uploads"),
    resumableUploads: join(dataDirectory, "resumable_uploads.sqlite"),
    tokenSessions: join(dataDirectory, "sessions.sqlite"),
    apiTokens: join(dataDirectory, "api_tokens.sqlite"),
  } as const;
}

export async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Writes a file that only its owner may read, whole or not at all, and durable once the promise resolves. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(folder);
}

/** Makes the names in a folder durable. Windows cannot, and needs no request to. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
