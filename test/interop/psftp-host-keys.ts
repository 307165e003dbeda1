import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2 from "ssh2";
import type { Product } from "../support/product.ts";

/** PuTTY asks for the host key by its fingerprint, which is how its users pin one. */
export async function hostKeyOptions({ dataDirectory }: Product): Promise<string[]> {
  const names = ["ed25519", "rsa"].map((type) => join(dataDirectory, "keys", `ssh_host_${type}_key`));
  const hostKeys = await Promise.all(names.map((name) => readFile(name)));
  return hostKeys.flatMap((text) => {
    const parsed = ssh2.utils.parseKey(text);
    if (parsed instanceof Error) throw parsed;
    const digest = createHash("sha256").update(parsed.getPublicSSH()).digest("base64").replace(/=+$/, "");
    return ["-hostkey", `SHA256:${digest}`];
  });
}
