import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import { z } from "zod";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import {
  type DestinationKind,
  parseDestinationAddress,
  type RemoteDestination,
} from "../../../core/remote-destination.ts";
import { enabled, name, parsedBy, secret, section } from "./fields.ts";
import { InvalidValue } from "./invalid-value.ts";
import { parsePublicKey } from "./public-key.ts";
import type { SecretSource } from "./secret.ts";
import { checkedAuthorities } from "./tls-schema.ts";

const implicitPort = 990;

const hostKey = z
  .string()
  .transform(parsedBy(hostKeyFingerprint))
  .meta({ examples: ["SHA256:wH1f2nMD4tpsYLgN9Wmc1wQ1uuMZEC9S0mZ2YzMEzGk"] });

const fingerprint = z
  .string()
  .transform(parsedBy(certificateFingerprint))
  .meta({ examples: [Array.from({ length: 32 }, () => "A7").join(":")] });

/** Which options mean something to which kind of site. */
const kindsWith: Readonly<Record<string, readonly DestinationKind[]>> = {
  user: ["sftp", "ftps", "https", "s3"],
  password: ["sftp", "ftps", "https", "s3"],
  privateKey: ["sftp"],
  passphrase: ["sftp"],
  hostKeys: ["sftp"],
  ca: ["ftps", "https", "s3"],
  fingerprints: ["ftps", "https"],
  tls: ["ftps"],
  region: ["s3"],
  endpoint: ["s3"],
};

/** How the site is logged in to, and how it is known that it is the right one. */
function loginFields(secrets: SecretSource) {
  return {
    user: z.string().min(1).optional().describe("What to log in with. For S3 the id of an access key."),
    password: secret(secrets)
      .optional()
      .describe("The password; for S3 the secret of the access key; for HTTPS without a user a bearer token."),
    privateKey: secret(secrets)
      .optional()
      .describe("SFTP: the private key to log in with, PEM or as OpenSSH keeps it."),
    passphrase: secret(secrets).optional().describe("SFTP: what opens the private key."),
    hostKeys: z
      .array(hostKey)
      .max(limits.hostKeysPerDestination)
      .optional()
      .describe("SFTP: the host keys of the site, as SHA256:… or as public keys. No other site is logged in to."),
    ca: secret(secrets)
      .transform(parsedBy(checkedAuthorities))
      .optional()
      .describe("Certificates (PEM) of the only authorities that count. Default: the well-known ones."),
    fingerprints: z
      .array(fingerprint)
      .min(1)
      .max(limits.fingerprintsPerDestination)
      .optional()
      .describe("SHA-256 of the site's certificate: this one is good, whoever issued it, and no other."),
    tls: z
      .enum(["explicit", "implicit"])
      .optional()
      .describe("FTPS: whether TLS begins after AUTH TLS or with the first byte. Default: implicit on port 990."),
    region: z.string().min(1).optional().describe("S3: the region of the bucket. Default: that of the environment."),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("S3: a service other than that of AWS."),
  };
}

const paceFields = {
  concurrency: z
    .int()
    .min(1)
    .max(limits.destinationConcurrency)
    .default(limits.destinationDefaultConcurrency)
    .describe("How many transfers there are at the same time."),
  bytesPerSecond: z
    .int()
    .min(1)
    .max(limits.destinationBytesPerSecond)
    .optional()
    .describe("How fast all of them together may be. Default: as fast as it goes."),
  timeoutSeconds: z
    .number()
    .min(1)
    .max(limits.destinationLongestTimeoutMs / 1000)
    .default(limits.destinationTimeoutMs / 1000)
    .describe("How long the site has for an answer, and a transfer for its next bytes."),
  tries: z
    .int()
    .min(1)
    .max(limits.mostPushTries)
    .default(limits.pushTries)
    .describe("How often a push is tried before it waits among the dead letters."),
};

/** A remote site that files are pushed to and pulled from. */
export function destinationSchema(secrets: SecretSource) {
  return section({
    name: name.describe("Unique among the destinations."),
    enabled: enabled.describe("False lets pushes and pulls wait until it is true again."),
    url: z
      .string()
      .transform(parsedBy(parseDestinationAddress))
      .describe("Where the site is, and the folder below which all paths lie.")
      .meta({
        examples: ["sftp://files.example.com/incoming", "ftps://ftp.example.com:990", "s3://bucket/prefix"],
      }),
    ...loginFields(secrets),
    ...paceFields,
  })
    .superRefine((written, context) => {
      const { kind } = written.url;
      for (const [option, kinds] of Object.entries(kindsWith)) {
        if (written[option as keyof typeof written] === undefined || kinds.includes(kind)) continue;
        const message = `${JSON.stringify(option)} means nothing to ${kind}`;
        context.addIssue({ code: "custom", path: [option], params: { part: "name" }, message });
      }
      for (const { message, path } of loginProblems(written)) context.addIssue({ code: "custom", path, message });
    })
    .transform(compileDestination);
}

interface WrittenLogin {
  readonly url: { readonly kind: DestinationKind };
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly passphrase?: string | undefined;
  readonly hostKeys?: readonly string[] | undefined;
}

function loginProblems(written: WrittenLogin): { path: string[]; message: string }[] {
  const { url, user, password, privateKey, hostKeys = [] } = written;
  const problems: { path: string[]; message: string }[] = [];
  const isLogin = url.kind === "sftp" || url.kind === "ftps";
  if (isLogin && user === undefined) problems.push({ path: ["user"], message: `${url.kind} needs a "user"` });
  if (url.kind === "sftp" && hostKeys.length === 0) {
    problems.push({
      path: ["hostKeys"],
      message: 'sftp needs "hostKeys": without them any site could pose as this one',
    });
  }
  if (isLogin && password === undefined && privateKey === undefined) {
    const what = url.kind === "sftp" ? '"password" or "privateKey"' : '"password"';
    problems.push({ path: ["password"], message: `${url.kind} needs ${what}` });
  }
  if (url.kind === "s3" && (user === undefined) !== (password === undefined)) {
    problems.push({ path: ["user"], message: 'an access key needs both "user" and "password", its id and its secret' });
  }
  const keyProblem = url.kind === "sftp" ? privateKeyProblem(written) : undefined;
  if (keyProblem !== undefined) problems.push({ path: ["privateKey"], message: keyProblem });
  return problems;
}

function privateKeyProblem({ privateKey, passphrase }: WrittenLogin): string | undefined {
  if (privateKey === undefined) return undefined;
  const parsed = ssh2.utils.parseKey(privateKey, passphrase);
  if (!(parsed instanceof Error)) return parsed.isPrivateKey() ? undefined : "this is no private key";
  return /passphrase|encrypted|decrypt/i.test(parsed.message)
    ? 'the private key cannot be opened with this "passphrase", or needs one'
    : "there is no private key in it that can be used";
}

type Written = WrittenLogin & {
  readonly name: string;
  readonly enabled: boolean;
  readonly url: RemoteDestination["address"];
  readonly ca?: string | undefined;
  readonly fingerprints?: readonly string[] | undefined;
  readonly tls?: "explicit" | "implicit" | undefined;
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly concurrency: number;
  readonly bytesPerSecond?: number | undefined;
  readonly timeoutSeconds: number;
  readonly tries: number;
};

function compileDestination(written: Written): RemoteDestination {
  const { url: address, ca, tls, timeoutSeconds, hostKeys = [], fingerprints = [], ...rest } = written;
  return {
    ...rest,
    address,
    user: rest.user,
    password: rest.password,
    privateKey: rest.privateKey,
    passphrase: rest.passphrase,
    hostKeys,
    authorities: ca,
    fingerprints,
    isImplicit: tls === undefined ? address.port === implicitPort : tls === "implicit",
    region: rest.region,
    endpoint: rest.endpoint,
    bytesPerSecond: rest.bytesPerSecond,
    timeoutMs: Math.round(timeoutSeconds * 1000),
  };
}

/** `SHA256:…` as OpenSSH shows it, or a public key. @returns the base64 part @throws InvalidValue */
function hostKeyFingerprint(text: string): string {
  const [, digest] = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(text) ?? [];
  if (digest !== undefined) return digest;
  if (/^(SHA256|MD5):/i.test(text)) {
    throw new InvalidValue("expected SHA256: and 43 characters, as ssh-keygen -l prints it");
  }
  const { blob } = parsePublicKey(text);
  return createHash("sha256").update(Buffer.from(blob, "base64")).digest("base64").replace(/=+$/, "");
}

/** @returns lower-case hex @throws FileError */
function certificateFingerprint(text: string): string {
  const digest = text.replaceAll(":", "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digest)) return digest;
  throw new FileError("invalid-argument", "expected a SHA-256 in hex, as openssl x509 -fingerprint -sha256 prints it");
}
