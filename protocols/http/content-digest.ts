import { FileError } from "../../core/errors.ts";

const sha256Bytes = 32;
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Digests of older and other standards: RFC 1864, RFC 3230, and S3's. */
const uncheckedFields = [
  "content-md5",
  "digest",
  ...["crc32", "crc32c", "crc64nvme", "sha1"].map((name) => `x-amz-checksum-${name}`),
];

/**
 * The SHA-256 that a client announces for the content of its request, as lower-case hex: `Content-Digest` and
 * `Repr-Digest` (RFC 9530), which are the same for a whole file, or `x-amz-checksum-sha256` as S3 takes it.
 * @throws FileError `invalid-argument` for what cannot be read, for two that differ, and for other algorithms alone:
 * a digest that nobody checks would promise what is not kept.
 */
export function announcedSha256(headers: Headers): string | undefined {
  const unchecked = uncheckedFields.find((field) => headers.has(field));
  if (unchecked !== undefined) throw unreadable(unchecked, `${unchecked} is not checked here; Content-Digest is`);
  const announced = [
    ...digestsIn(headers, "content-digest", fromDigestField),
    ...digestsIn(headers, "repr-digest", fromDigestField),
    ...digestsIn(headers, "x-amz-checksum-sha256", (value) => value.trim()),
  ];
  const [first, ...others] = announced;
  const different = others.find(({ sha256 }) => sha256 !== first?.sha256);
  if (different) throw unreadable(different.field, "two different digests are announced");
  return first?.sha256;
}

interface Announced {
  readonly field: string;
  readonly sha256: string;
}

function digestsIn(headers: Headers, field: string, read: (value: string) => string | undefined): Announced[] {
  const value = headers.get(field);
  if (value === null) return [];
  const encoded = read(value);
  if (encoded === undefined)
    throw unreadable(field, "only sha-256 is checked, and it is not given as sha-256=:BASE64:");
  const bytes = base64.test(encoded) ? Buffer.from(encoded, "base64") : Buffer.alloc(0);
  if (bytes.length !== sha256Bytes) throw unreadable(field, "this is not a SHA-256 in base64");
  return [{ field, sha256: bytes.toString("hex") }];
}

/** The member `sha-256` of a dictionary of byte sequences (RFC 9651 §3.2). */
function fromDigestField(value: string): string | undefined {
  const members = value.split(",").map((member) => member.trim());
  return members.map((member) => /^sha-256=:(?<encoded>[^:]*):$/.exec(member)?.groups?.encoded).find(isGiven);
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined;
}

function unreadable(field: string, message: string): FileError {
  return new FileError("invalid-argument", message, { field });
}
