import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import ssh2 from "ssh2";
import { z } from "zod";
import { limits } from "../../../core/limits.ts";
import type { TlsMaterial } from "./configuration.ts";
import { endpoint, parsedBy, secretFile, section } from "./fields.ts";
import { InvalidValue } from "./invalid-value.ts";
import type { SecretSource } from "./secret.ts";
import { parsePortRange } from "./values.ts";

const off = z.literal(false);

/** The `server` section: which protocols listen where. */
export function serverSchema(secrets: SecretSource) {
  return section({
    name: z
      .string()
      .min(1)
      .max(limits.serverNameLength)
      .optional()
      .describe("How accounting events name this server. Default: the name of the machine."),
    sftp: z
      .union([off, sftpSchema(secrets)])
      .prefault({})
      .describe("SFTP, or false to switch it off."),
    ftps: z
      .union([off, ftpsSchema(secrets)])
      .prefault({ implicit: "127.0.0.1:2990" })
      .describe("FTPS, or false to switch it off."),
    http: z
      .union([off, httpSchema(secrets)])
      .prefault({})
      .describe("The HTTP API, or false to switch it off."),
  });
}

function sftpSchema(secrets: SecretSource) {
  return section({
    listen: endpoint.prefault("127.0.0.1:2222").describe("Address and port; port 0 lets the system choose."),
    hostKeys: z
      .array(secretFile(secrets).transform(parsedBy(checkedHostKey)))
      .min(1)
      .max(limits.hostKeys)
      .optional()
      .describe("Files with the private host keys (OpenSSH or PEM form). Default: those in DATA/keys."),
  });
}

function ftpsSchema(secrets: SecretSource) {
  return section({
    listen: endpoint.prefault("127.0.0.1:2121").describe("Address and port of explicit FTPS (AUTH TLS)."),
    implicit: z
      .union([off, endpoint])
      .optional()
      .describe("Address and port of implicit FTPS. Without it, or with false, there is none."),
    passivePorts: z
      .string()
      .transform(parsedBy(parsePortRange))
      .prefault("50000-50019")
      .describe('Ports of data connections; "0" lets the system choose.'),
    passiveAddress: z
      .string()
      .transform(parsedBy(parsePassiveAddress))
      .prefault("auto")
      .describe("The IP address that clients are told for data connections; auto is the one they connected to."),
    tls: tlsSchema(secrets).optional().describe("Default: the certificate in DATA/keys."),
  });
}

function httpSchema(secrets: SecretSource) {
  return section({
    listen: endpoint.prefault("127.0.0.1:8080").describe("Address and port; port 0 lets the system choose."),
    tls: tlsSchema(secrets).optional().describe("Makes it https. Without it the API speaks HTTP without TLS."),
  });
}

function tlsSchema(secrets: SecretSource) {
  return section({
    certificate: secretFile(secrets)
      .transform(parsedBy(checkedCertificate))
      .describe("A file with the certificate in PEM form, the intermediate ones behind it."),
    privateKey: secretFile(secrets)
      .transform(parsedBy(checkedPrivateKey))
      .describe("A file with its private key, PEM."),
  }).superRefine(checkPair);
}

function parsePassiveAddress(text: string): string | undefined {
  if (text === "auto") return undefined;
  if (isIP(text) === 0) throw new InvalidValue('expected an IP address or "auto"');
  return text;
}

function checkedHostKey(text: string): string {
  const parsed = ssh2.utils.parseKey(text);
  if (parsed instanceof Error) throw new InvalidValue(`not a private host key: ${parsed.message}`);
  if (!parsed.isPrivateKey()) throw new InvalidValue("this is a public key: a host key is the private one");
  return text;
}

function checkedCertificate(text: string): string {
  try {
    new X509Certificate(text);
    return text;
  } catch {
    throw new InvalidValue("there is no certificate in PEM form in it");
  }
}

function checkedPrivateKey(text: string): string {
  try {
    createPrivateKey(text);
    return text;
  } catch {
    throw new InvalidValue("there is no private key in PEM form without a passphrase in it");
  }
}

function checkPair({ certificate, privateKey }: TlsMaterial, context: z.RefinementCtx): void {
  if (new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))) return;
  const message = "the private key does not belong to the certificate";
  context.addIssue({ code: "custom", path: ["privateKey"], message });
}
