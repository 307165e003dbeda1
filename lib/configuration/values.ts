import ipaddr from "ipaddr.js";
import { z } from "zod";

/** What CloudWatch Logs accepts as retention. */
const logRetentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

// Listeners a network load balancer has at most (a quota that cannot be raised), less those of 22, 21 and 990 and one.
const passivePortCount = 46;

/** An IPv4 network whose address is the first of it: `10.0.0.0/16`, not `10.0.0.1/16`. */
export const ipv4Network = z.string().refine((text) => rangeOf(text) !== undefined, {
  error: "is not an IPv4 network like 203.0.113.0/24",
});

export const emailAddress = z
  .string()
  .max(254)
  .regex(/^[^\s@<>,;"]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,}$/, {
    error: "is not an e-mail address",
  });

export const mailIdentity = z
  .string()
  .refine((text) => emailAddress.safeParse(text).success || /^(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,}$/.test(text), {
    error: "is neither a domain nor an e-mail address",
  });

/** Functions run outside of every network of yours, so the endpoint is a public one. */
export const endpointUrl = z
  .string()
  .max(300)
  .refine((text) => /^https:\/\/[^@#\s]+$/.test(text) && URL.canParse(text), {
    error: "is not an address like https://id.example.com/ferrygate (no http, no user, no fragment)",
  });

export const connectorUrl = z
  .string()
  .refine((text) => /^sftp:\/\/[^\s/@]+$/.test(text) && URL.canParse(text) && new URL(text).hostname !== "", {
    error: "is not sftp://HOST or sftp://HOST:PORT",
  });

/** As in known_hosts, without the host: the kind, Base64, perhaps a comment. */
export const hostKey = z.string().regex(/^(?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]+={0,2}(?: .*)?$/, {
  error: "is not a public key like ssh-rsa AAAA…",
});

export const imageUri = z.string().regex(/^[a-z0-9.-]+(?::\d+)?(?:\/[a-z0-9._-]+)+(?::[\w.-]+|@sha256:[0-9a-f]{64})$/, {
  error: "is not REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST",
});

export const logDays = z.int().refine((days) => logRetentionDays.includes(days), {
  error: `is not one of ${logRetentionDays.join(", ")}`,
});

export const passiveRange = z.string().check((context) => {
  const problem = passiveRangeProblem(context.value);
  if (problem !== undefined) context.issues.push({ code: "custom", input: context.value, message: problem });
});

export const prefix = z
  .string()
  .regex(/^[^/*?\s][^*?\s]*$/, "is not a prefix like acme/ (no / at its start, no * or ?)");

/** An image in Amazon ECR. */
export interface EcrImage {
  readonly partition: string;
  readonly account: string;
  readonly region: string;
  readonly repository: string;
  /** `1.2`, or `sha256:…`. */
  readonly version: string;
}

const ecrUri =
  /^(\d{12})\.dkr[.-]ecr\.([a-z0-9-]+)\.(?:amazonaws\.com(\.cn)?|on\.aws)\/([a-z0-9._/-]+)(?::([\w.-]+)|@(sha256:[0-9a-f]{64}))$/;

/** What an image's URI says; undefined when it is one of another registry. */
export function ecrImageOf(uri: string): EcrImage | undefined {
  const [, account, region, china, repository, tag, digest] = ecrUri.exec(uri) ?? [];
  const version = tag ?? digest;
  if (account === undefined || region === undefined || repository === undefined || !version) return undefined;
  const partition = china ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
  return { partition, account, region, repository, version };
}

/** Those that stand earlier in the list too, with their places. */
export function repeated(values: readonly string[]): [number, string][] {
  return [...values.entries()].filter(([index, value]) => values.indexOf(value) < index);
}

/** Of the listeners' ports: SFTP, FTPS, implicit FTPS, passive. */
export const portRanges = 4;

/** How many networks fit into a security group with so many rules. */
export function mostSources(rulesQuota: number): number {
  return Math.floor(rulesQuota / portRanges);
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Reads `50000-50019`; the schema has checked it. */
export function portRangeOf(text: string): PortRange {
  const [first = Number.NaN, last = Number.NaN] = text.split("-").map(Number);
  return { first, last };
}

/** The lowest and the highest address; undefined when the text is no network. */
export function rangeOf(network: string): PortRange | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(network);
  if (match === null || !ipaddr.IPv4.isValidFourPartDecimal(match[1] ?? "") || Number(match[2]) > 32) return undefined;
  const first = numberOf(match[1] ?? "");
  const size = 2 ** (32 - Number(match[2]));
  return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}

/** Whether two networks, or two ranges of ports, have anything in common. */
export function overlaps(a: PortRange, b: PortRange): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function contains(outer: PortRange, inner: PortRange): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function passiveRangeProblem(text: string): string | undefined {
  if (!/^\d{1,5}-\d{1,5}$/.test(text)) return "is not a range of ports like 50000-50019";
  const { first, last } = portRangeOf(text);
  if (first > last) return "begins after its end";
  if (first < 1024 || last > 65535) return "does not lie within 1024-65535";
  const count = last - first + 1;
  return count > passivePortCount ? `has ${count} ports; a load balancer has room for ${passivePortCount}` : undefined;
}
