import type { PublicKey } from "../../../core/account.ts";
import { InvalidValue } from "./invalid-value.ts";

/** How long an uncompressed point of the curve is. */
const ecdsaPointBytes: ReadonlyMap<string, number> = new Map([
  ["ecdsa-sha2-nistp256", 65],
  ["ecdsa-sha2-nistp384", 97],
  ["ecdsa-sha2-nistp521", 133],
]);

const algorithms = ["ssh-ed25519", ...ecdsaPointBytes.keys(), "ssh-rsa"];
const ed25519Bytes = 32;
const minimumRsaBits = 2048;
// RFC 8017 sets no bound; what OpenSSH takes at most, because each check costs time.
const maximumRsaBits = 16_384;

/**
 * Reads a public key in OpenSSH's one-line form, `ALGORITHM BASE64 [COMMENT]`, and checks the wire form inside it
 * (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4).
 * @throws InvalidValue with what is wrong and what to do.
 */
export function parsePublicKey(text: string): PublicKey {
  refuseOtherForms(text);
  const [, algorithm = "", blob = "", comment = ""] = /^(\S+)[ \t]+(\S+)(?:[ \t]+(.*))?$/.exec(text.trim()) ?? [];
  if (blob === "") throw new InvalidValue("expected a public key such as ssh-ed25519 AAAA… comment");
  if (algorithm === "ssh-dss") throw new InvalidValue("DSA keys are not secure and not accepted");
  if (!algorithms.includes(algorithm)) {
    throw new InvalidValue(`${JSON.stringify(algorithm)} is not one of the key types ${algorithms.join(", ")}`);
  }
  const bytes = Buffer.from(blob, "base64");
  if (bytes.toString("base64") !== blob)
    throw new InvalidValue("the public key is damaged: its base64 part is cut off");
  checkWireForm(algorithm, bytes);
  return { algorithm, blob, comment: comment.trim() };
}

function refuseOtherForms(text: string): void {
  if (text.includes("PRIVATE KEY")) {
    throw new InvalidValue("this is a PRIVATE key, which nobody else may see: give the contents of its .pub file");
  }
  if (text.includes("BEGIN SSH2 PUBLIC KEY")) {
    throw new InvalidValue("this is a key in RFC 4716 form: ssh-keygen -i -f FILE prints the one-line form");
  }
}

function checkWireForm(algorithm: string, bytes: Buffer): void {
  const fields = wireFields(bytes);
  const [name, first = Buffer.alloc(0), second = Buffer.alloc(0)] = fields;
  if (name?.toString("latin1") !== algorithm) {
    throw new InvalidValue(`the public key is damaged: its base64 part does not hold an ${algorithm} key`);
  }
  const fits = {
    rsa: () => fields.length === 3,
    ed25519: () => fields.length === 2 && first.length === ed25519Bytes,
    ecdsa: () =>
      fields.length === 3 && algorithm.endsWith(`-${first}`) && second.length === ecdsaPointBytes.get(algorithm),
  };
  const kind = algorithm === "ssh-rsa" ? "rsa" : algorithm === "ssh-ed25519" ? "ed25519" : "ecdsa";
  if (!fits[kind]()) throw new InvalidValue("the public key is damaged: its base64 part is incomplete");
  if (kind === "rsa") checkRsaSize(second);
}

function checkRsaSize(modulus: Buffer): void {
  const bits = modulus.length === 0 ? 0 : BigInt(`0x${modulus.toString("hex")}`).toString(2).length;
  if (bits < minimumRsaBits || bits > maximumRsaBits) {
    throw new InvalidValue(`an RSA key needs ${minimumRsaBits} to ${maximumRsaBits} bits, this one has ${bits}`);
  }
}

/** The strings and mpints of RFC 4251 §5, each a length in four bytes and as many bytes; none when cut off. */
function wireFields(bytes: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 > bytes.length ? Infinity : at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return [];
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return fields;
}
