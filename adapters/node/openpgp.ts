import { ReadableStream } from "node:stream/web";
import * as openpgp from "openpgp";
import { FileError } from "../../core/errors.ts";
import type { OpenPgp, PgpDecryption, PgpEncryption } from "../../ports/openpgp.ts";
import { pgpFailure } from "./pgp-failure.ts";
import { type PgpKeyMaterial, usableKey } from "./pgp-keys.ts";

/** OpenPGP by OpenPGP.js. @param keys those of the configuration in force */
export function createOpenPgp(keys: () => readonly PgpKeyMaterial[]): OpenPgp {
  const ring = new KeyRing(keys);
  return {
    encrypt: (content, options) => explained(content, (source) => encrypt(ring, source, options)),
    decrypt: (content, options) => explained(content, (source) => decrypt(ring, source, options)),
    verify: (content, signedBy) => explained(content, (source) => verify(ring, source, signedBy)),
    verifyDetached: async (content, signature, signedBy) => {
      const checked = explained(content, (source) => verifyDetached(ring, source, { signature, signedBy }));
      for await (const _piece of checked);
    },
  };
}

type Source = ReadableStream<Uint8Array<ArrayBuffer>>;
type Content = AsyncIterable<Uint8Array>;

/**
 * The library would hold a whole message back until it is authenticated. What comes out here is staged, and published
 * at its end only, so that it can be handed on as it comes.
 */
const config = { allowUnauthenticatedStream: true, allowUnauthenticatedMessages: false } as const;

async function* encrypt(
  ring: KeyRing,
  source: Source,
  { recipients, signer, armor }: PgpEncryption,
): AsyncGenerator<Uint8Array> {
  const encryptionKeys = await ring.publicKeys(recipients);
  const signingKeys = signer === undefined ? [] : await ring.privateKeys([signer]);
  const message = await openpgp.createMessage({ binary: source as never });
  const options = { message, encryptionKeys, ...(signingKeys.length > 0 && { signingKeys }), config };
  if (armor) {
    for await (const text of pieces<string>(await openpgp.encrypt({ ...options, format: "armored" }))) {
      yield Buffer.from(text);
    }
  } else yield* pieces<Uint8Array>(await openpgp.encrypt({ ...options, format: "binary" }));
}

async function* decrypt(
  ring: KeyRing,
  source: Source,
  { recipients, signedBy }: PgpDecryption,
): AsyncGenerator<Uint8Array> {
  const decryptionKeys = await ring.privateKeys(recipients);
  const verificationKeys = await ring.publicKeys(signedBy);
  const { data, signatures } = await openpgp.decrypt({
    message: await readMessage(source),
    decryptionKeys,
    verificationKeys,
    format: "binary",
    config,
  });
  yield* pieces<Uint8Array>(data);
  if (signedBy.length > 0) await assertSigned(signatures, signedBy);
}

async function* verify(ring: KeyRing, source: Source, signedBy: readonly string[]): AsyncGenerator<Uint8Array> {
  const verificationKeys = await ring.publicKeys(signedBy);
  const message = await readMessage(source);
  const { data, signatures } = await openpgp.verify({ message, verificationKeys, format: "binary", config });
  yield* pieces<Uint8Array>(data);
  await assertSigned(signatures, signedBy);
}

async function* verifyDetached(
  ring: KeyRing,
  source: Source,
  { signature, signedBy }: { readonly signature: Uint8Array; readonly signedBy: readonly string[] },
): AsyncGenerator<Uint8Array> {
  const verificationKeys = await ring.publicKeys(signedBy);
  const message = await openpgp.createMessage({ binary: source as never });
  const isArmored = signature[0] === "-".charCodeAt(0);
  const read = isArmored
    ? await openpgp.readSignature({ armoredSignature: Buffer.from(signature).toString("latin1") })
    : await openpgp.readSignature({ binarySignature: signature });
  const options = { message: message as never, signature: read, verificationKeys, format: "binary", config } as const;
  const { data, signatures } = await openpgp.verify(options);
  await readToEnd(data);
  await assertSigned(signatures, signedBy);
  yield new Uint8Array(0);
}

/** Binary, or armored: that begins with dashes. */
async function readMessage(source: Source): Promise<openpgp.Message<never>> {
  const [first, whole] = await peeked(source);
  if (first !== "-".charCodeAt(0)) return (await openpgp.readMessage({ binaryMessage: whole as never })) as never;
  const text = whole.pipeThrough(new TextDecoderStream("latin1") as never);
  return (await openpgp.readMessage({ armoredMessage: text as never })) as never;
}

async function peeked(source: Source): Promise<readonly [number | undefined, Source]> {
  const reader = source.getReader();
  const first = await reader.read();
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start: (controller) => (first.value ? controller.enqueue(first.value) : undefined),
      pull: async (controller) => {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return [first.value?.[0], whole];
}

interface Signature {
  readonly verified: Promise<boolean | true>;
}

/** One good signature by one of the keys is enough; others may be by keys that nobody here has. */
async function assertSigned(signatures: readonly Signature[], signedBy: readonly string[]): Promise<void> {
  const names = signedBy.join(", ");
  if (signatures.length === 0) throw new FileError("integrity", `the message is not signed; one of ${names} has to`);
  const results = await Promise.allSettled(signatures.map(({ verified }) => verified));
  if (results.some(({ status }) => status === "fulfilled")) return;
  const [reason] = results.flatMap((result) => (result.status === "rejected" ? [pgpFailure(result.reason)] : []));
  throw new FileError("integrity", `the message has no good signature of ${names}: ${reason}`);
}

async function* pieces<Piece>(data: unknown): AsyncGenerator<Piece> {
  if (data instanceof Uint8Array || typeof data === "string") yield data as Piece;
  else yield* data as AsyncIterable<Piece>;
}

/** Of a detached signature the library lends the stream out in a way that a reader knows of, and no iterator. */
async function readToEnd(data: unknown): Promise<void> {
  const reader = (data as ReadableStream<Uint8Array>).getReader();
  while (!(await reader.read()).done);
}

interface Failure {
  readonly reason: unknown;
}

/** The store's own failures stay as they are; those of the library become sentences. */
async function* explained(content: Content, work: (source: Source) => AsyncGenerator<Uint8Array>): Content {
  let failure: Failure | undefined;
  const iterator = content[Symbol.asyncIterator]();
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await iterator.next();
          if (done) controller.close();
          else controller.enqueue(new Uint8Array(value));
        } catch (reason) {
          // The library would leave a promise about a broken stream to nobody, which ends the process: it sees an end.
          failure ??= { reason };
          controller.close();
        }
      },
    },
    { highWaterMark: 0 },
  );
  try {
    yield* work(source);
    if (failure) throw (failure as Failure).reason;
  } catch (error) {
    if (failure) throw failure.reason;
    if (error instanceof FileError) throw error;
    throw new FileError("integrity", `OpenPGP: ${pgpFailure(error)}`, { cause: error });
  } finally {
    await iterator.return?.();
  }
}

/** Reads each key once. */
class KeyRing {
  readonly #keys: () => readonly PgpKeyMaterial[];
  readonly #known = new WeakMap<PgpKeyMaterial, ReturnType<typeof usableKey>>();

  constructor(keys: () => readonly PgpKeyMaterial[]) {
    this.#keys = keys;
  }

  publicKeys(names: readonly string[]): Promise<openpgp.PublicKey[]> {
    return Promise.all(names.map(async (name) => (await this.#read(name)).publicKey));
  }

  privateKeys(names: readonly string[]): Promise<openpgp.PrivateKey[]> {
    const read = async (name: string) => {
      const { privateKey } = await this.#read(name);
      if (privateKey) return privateKey;
      throw new FileError("not-found", `the OpenPGP key ${name} has no private key here`);
    };
    return Promise.all(names.map(read));
  }

  async #read(name: string): ReturnType<typeof usableKey> {
    const material = this.#keys().find((one) => one.name === name);
    if (!material) throw new FileError("not-found", `there is no OpenPGP key ${name}`);
    const known = this.#known.get(material) ?? usableKey(material);
    this.#known.set(material, known);
    return known;
  }
}
