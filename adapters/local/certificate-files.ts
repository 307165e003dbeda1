import { createPrivateKey, X509Certificate } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { limits } from "../../core/limits.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { TlsMaterial } from "../node/configuration/configuration.ts";
import { FileReader, stampOf } from "../node/configuration/file-reader.ts";
import { InvalidValue } from "../node/configuration/invalid-value.ts";

/** PEM files: a certificate with its chain, and its private key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * Answers what the files hold, looking at most every limits.configurationCheckMs whether they were changed. Changed
 * files that cannot be used leave the last good ones in force; the log names the reason once for every version.
 * @throws InvalidValue when the files cannot be used at the start.
 */
export function watchCertificateFiles(
  files: CertificateFiles,
  runtime: Pick<Runtime, "now" | "log">,
): () => TlsMaterial {
  let stamps = stampsOf(files);
  let inForce = readCertificate(files);
  let checkedAtMs = runtime.now();

  function reload(): void {
    try {
      inForce = readCertificate(files);
      runtime.log.info("the TLS certificate was read again", { file: files.certificate });
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error;
      const reason = error.message;
      runtime.log.error("the changed TLS certificate cannot be used; the one before stays in force", { reason });
    }
  }

  return () => {
    const nowMs = runtime.now();
    // A clock that was set back must not put the next check off.
    if (Math.abs(nowMs - checkedAtMs) < limits.configurationCheckMs) return inForce;
    checkedAtMs = nowMs;
    const latest = stampsOf(files);
    if (!isDeepStrictEqual(latest, stamps)) reload();
    stamps = latest;
    return inForce;
  };
}

// Taken before the files are read: a change in between is found at the next look.
function stampsOf({ certificate, privateKey }: CertificateFiles): readonly string[] {
  return [stampOf(certificate), stampOf(privateKey)];
}

function readCertificate(files: CertificateFiles): TlsMaterial {
  const reader = new FileReader();
  const read = (file: string) => reader.read(file, limits.secretBytes).toString();
  const [certificate, privateKey] = [read(files.certificate), read(files.privateKey)];
  if (!belongTogether(certificate, privateKey)) {
    throw new InvalidValue(`${files.privateKey} does not hold the private key of ${files.certificate}`);
  }
  return { certificate, privateKey };
}

/** False also for what is no certificate or no private key. */
function belongTogether(certificate: string, privateKey: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}
