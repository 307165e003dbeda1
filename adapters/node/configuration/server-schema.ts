import { isIP } from "node:net";
import ssh2 from "ssh2";
import { z } from "zod";
import { limits } from "../../../core/limits.ts";
import { endpoint, parsedBy, secretFile, section } from "./fields.ts";
import { InvalidValue } from "./invalid-value.ts";
import type { SecretSource } from "./secret.ts";
import { clientCertificatesSchema, tlsSchema } from "./tls-schema.ts";
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
    algorithms: z
      .enum(["strict", "compatible"])
      .prefault("strict")
      .describe("`compatible` also offers what clients of years ago need: NIST curves, older groups and MACs."),
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
    sessionReuse: z
      .enum(["required", "preferred", "off"])
      .default("preferred")
      .describe("Whether a data connection has to resume the TLS session of its control connection, may, or cannot."),
    clearData: z.boolean().default(false).describe("True allows data connections without TLS (PROT C)."),
    plain: z
      .boolean()
      .default(false)
      .describe("True allows FTP without TLS on the explicit listener: passwords and files travel in clear."),
    clientCertificates: clientCertificatesSchema(secrets)
      .optional()
      .describe("Lets clients log in with certificates. Without it none is asked for."),
  });
}

function httpSchema(secrets: SecretSource) {
  return section({
    listen: endpoint.prefault("127.0.0.1:8080").describe("Address and port; port 0 lets the system choose."),
    tls: tlsSchema(secrets).optional().describe("Makes it https. Without it the API speaks HTTP without TLS."),
  });
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
