import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { z } from "zod";
import { limits } from "../../../core/limits.ts";
import type { TlsMaterial } from "./configuration.ts";
import { parsedBy, secretFile, section } from "./fields.ts";
import { InvalidValue } from "./invalid-value.ts";
import type { SecretSource } from "./secret.ts";

/** A server's certificate and its private key, which have to belong together. */
export function tlsSchema(secrets: SecretSource) {
  return section({
    certificate: secretFile(secrets)
      .transform(parsedBy(checkedCertificate))
      .describe("A file with the certificate in PEM form, the intermediate ones behind it."),
    privateKey: secretFile(secrets)
      .transform(parsedBy(checkedPrivateKey))
      .describe("A file with its private key, PEM."),
  }).superRefine(checkPair);
}

/** Whose certificates log clients in. */
export function clientCertificatesSchema(secrets: SecretSource) {
  return section({
    authorities: secretFile(secrets)
      .transform(parsedBy(checkedAuthorities))
      .describe("A file with the certificates of the authorities, up to their root, in PEM form. No other counts."),
    revocationLists: z
      .array(secretFile(secrets).transform(parsedBy(parseRevocationLists)))
      .max(limits.revocationListFiles)
      .default([])
      .transform((lists) => lists.flat())
      .describe("Files with certificate revocation lists in PEM form; with any, every authority of a chain needs one."),
    required: z
      .boolean()
      .default(false)
      .describe("True takes no passwords: a login needs the certificate of its account."),
  });
}

function checkedCertificate(text: string): string {
  certificateOf(text);
  return text;
}

function certificateOf(text: string): X509Certificate {
  try {
    return new X509Certificate(text);
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

export function checkedAuthorities(text: string): string {
  const certificates = blocksOf(text, "CERTIFICATE").map(certificateOf);
  if (certificates.length === 0) throw new InvalidValue("there is no certificate in PEM form in it");
  const other = certificates.find(({ ca }) => !ca);
  if (other) throw new InvalidValue(`the certificate of ${nameOf(other)} is not one of an authority`);
  if (!certificates.some((certificate) => certificate.checkIssued(certificate))) {
    throw new InvalidValue("there is no root in it: the list has to go up to a certificate that is its own issuer");
  }
  return text;
}

function nameOf({ subject }: X509Certificate): string {
  return JSON.stringify(subject.replaceAll("\n", ", "));
}

/** One PEM text a list, because Node reads no more than the first of a text. */
function parseRevocationLists(text: string): string[] {
  const lists = blocksOf(text, "X509 CRL");
  try {
    createSecureContext({ crl: lists });
  } catch {
    throw new InvalidValue("there is a certificate revocation list in it that is damaged");
  }
  if (lists.length === 0) throw new InvalidValue("there is no certificate revocation list in PEM form in it");
  return lists;
}

function blocksOf(pem: string, label: string): string[] {
  return pem.match(new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----`, "g")) ?? [];
}
